/**
 * Rows without records, by name and with the reason. What is not here and has no records is a gap: `npm run coverage:insn` fails.
 */
import type { Row } from '../../src/insn/row.ts'

interface Exemption {
  readonly names: RegExp
  readonly only?: (row: Row) => boolean
  readonly reason: string
}

const touchesSegment = ({ operands }: Row): boolean => /(^| )S/.test(operands)
/** push es and its like: opcodes whose segment register is part of them. */
const SEGMENT_OPCODES: readonly number[] = [0x06, 0x0e, 0x16, 0x1e, 0x07, 0x17, 0x1f, 0xa0, 0xa1, 0xa8, 0xa9]
const namesSegment = ({ map, code, operands }: Row): boolean =>
  operands === '' && map <= 1 && SEGMENT_OPCODES.includes(code)

export const EXEMPTIONS: readonly Exemption[] = [
  {
    names: /^(syscall|sysenter|sysexit|sysret)$/,
    reason: "enters or leaves the host's kernel, and Intel and AMD differ; test/pv",
  },
  { names: /^iret$/, reason: 'a hypercall of its own to a PV guest; test/pv' },
  {
    names: /^(cpuid|rdtsc|rdtscp|rdpmc|rdpid|rdrand|rdseed|xgetbv)$/,
    reason: 'answers what the host is, or chance; test/pv',
  },
  { names: /^int1$/, reason: 'hypervisors below the recording host report it in ways of their own; test/pv' },
  { names: /^(clflushopt|clwb)$/, reason: 'no policy offers it' },
  { names: /^(sgdt|sidt|sldt|str|smsw)$/, reason: "the host's kernel emulates it (UMIP); test/pv" },
  { names: /^(lar|lsl|verr|verw)$/, reason: "answers from the host's descriptor tables; test/pv" },
  { names: /^(callf|jmpf|retf|lds|les|lss|lfs|lgs)$/, reason: "loads from the host's descriptor tables; test/pv" },
  { names: /^(mov)$/, only: touchesSegment, reason: "selectors of the host's descriptor tables; test/pv" },
  { names: /^(push|pop)$/, only: namesSegment, reason: "selectors of the host's descriptor tables; test/pv" },
]

export function exemptionOf(row: Row): string | undefined {
  return EXEMPTIONS.find(({ names, only }) => names.test(row.name) && (only === undefined || only(row)))?.reason
}
