/**
 * Which rows of the instruction table programs are made of, and by name what is left out of programs or of the comparison
 * because processors differ there.
 */
import type { Row } from '../../src/insn/row.ts'
import { rows } from '../../src/insn/table.ts'

/**
 * CPUID features of which programs are made beyond the baseline, which a host needs to record them (/proc/cpuinfo has the same
 * names). The rows of other features are judged one by one, in test/sse, test/insn and test/policy.
 */
export const HOST_FLAGS: readonly string[] = ['cx16', 'popcnt', 'movbe']

const LEAVES = 'left to TypeScript, which the bare machine has not'
const APPROXIMATE = 'precision is the processor’s; judged within bounds in test/float'
const POINTERS = 'deals in addresses of the last x87 instruction, which are not kept'

/** Rows that occur in no program. */
export const EXCLUDED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      ...['syscall', 'sysenter', 'sysret', 'sysexit', 'int', 'int3', 'int1', 'iret', 'hlt', 'in', 'out', 'ins', 'outs'],
      ...['cpuid', 'rdtsc', 'rdtscp', 'rdpmc', 'wrmsr', 'rdmsr', 'clts', 'lss', 'lfs', 'lgs', 'sldt', 'str', 'lldt'],
      ...[
        'ltr',
        'verr',
        'verw',
        'sgdt',
        'sidt',
        'lgdt',
        'lidt',
        'smsw',
        'lmsw',
        'invlpg',
        'swapgs',
        'xgetbv',
        'xsetbv',
      ],
      ...['lar', 'lsl', 'invd', 'wbinvd', 'wbnoinvd', 'cli', 'sti', 'fxsave', 'fxrstor', 'callf', 'jmpf', 'retf'],
      ...['monitor', 'mwait', 'clac', 'stac', 'ud0', 'ud1'],
    ].map((name) => [name, LEAVES]),
  ),
  ...Object.fromEntries(
    [
      'f2xm1',
      'fyl2x',
      'fyl2xp1',
      'fptan',
      'fpatan',
      'fsin',
      'fcos',
      'fsincos',
      'rcpps',
      'rcpss',
      'rsqrtps',
      'rsqrtss',
    ].map((name) => [name, APPROXIMATE]),
  ),
  ...Object.fromEntries(['fnstenv', 'fldenv', 'fnsave', 'frstor'].map((name) => [name, POINTERS])),
  fbld: 'digits above 9 are undefined',
}

/** Forms of rows that occur, but not so. */
export const AVOIDED: Readonly<Record<string, string>> = {
  'bsf, bsr of zero': 'the destination is undefined',
  'bswap of 16 bits': 'the result is undefined',
  'movsxd of 16 bits': 'reads two bytes at Intel, four at AMD',
  'shld, shrd of 16 bits by more than 16': 'result and flags are undefined',
  'fcomi and its like before an instruction that leaves C1': 'C1 is cleared by Intel, kept by AMD',
  'x87 comparisons stopped by an unmasked exception': 'condition codes stay at Intel, say unordered at AMD',
  'enter that copies frame pointers out of its own slots across a page boundary':
    'the slow step reads before it writes',
  'near branches with 66': '16 bits at AMD, 64 bits at Intel',
}

/** Flags undefined beyond Row.undefines. */
export function moreUndefined(row: Row, size: number): string {
  const byRegister = row.operands.endsWith('CL')
  return byRegister && size < 4 && /^sh[lr]$/.test(row.name) ? 'c' : ''
}

export type Kind = 'integer' | 'x87' | 'mmx' | 'sse'

function kindOf(row: Row): Kind {
  if (/\b[PQN][a-z]/.test(row.operands) || row.name === 'emms') return 'mmx'
  if (/\b[VWU][a-z]/.test(row.operands)) return 'sse'
  return (row.map === 0 && row.code >= 0xd8 && row.code <= 0xdf) || row.name === 'fwait' ? 'x87' : 'integer'
}

/** Segment registers, control and debug registers. */
const isPrivileged = (row: Row): boolean =>
  /\b[SCD]([wdq])\b/.test(row.operands) || ((row.name === 'push' || row.name === 'pop') && row.map === 1)

export const included: readonly Row[] = rows
  .filter((row) => row.mode !== 32 && !(row.name in EXCLUDED) && !isPrivileged(row))
  .filter((row) => row.feature === undefined || HOST_FLAGS.includes(row.feature) || /^([ls]ahf|fisttp)$/.test(row.name))

/** Written by the parts of flow.ts, strings.ts and faults.ts, never as a statement of its own. */
const STRUCTURE = /^(j|call|ret|loop|push|pop|enter|leave|movs$|cmps$|stos$|lods$|scas$|ud2|ldmxcsr)/

const statements = included.filter(
  (row) => row.name === 'popcnt' || !(STRUCTURE.test(row.name) && kindOf(row) === 'integer'),
)

const ofKind = (kind: Kind): readonly Row[] => statements.filter((row) => kindOf(row) === kind && row.name !== 'fldcw')

/** Rows that make a statement by themselves. */
export const STATEMENTS: Readonly<Record<Kind, readonly Row[]>> = {
  integer: ofKind('integer'),
  x87: ofKind('x87'),
  mmx: ofKind('mmx'),
  sse: ofKind('sse'),
}

/** The only row of that name, with these operands and this mandatory prefix. */
export function rowOf(name: string, operands: string, prefix?: Row['prefix']): Row {
  const found = included.filter((row) => row.name === name && row.operands === operands && row.prefix === prefix)
  if (found.length !== 1) throw new RangeError(`${found.length} rows are '${name} ${operands}'`)
  return found[0]
}

/** General registers that a row changes without naming them, besides those of string instructions. */
export function impliedRegisters(row: Row): readonly number[] {
  if (/\b(AL|e?AX|rAX)\b/.test(row.operands)) return [0]
  switch (row.name) {
    case 'mul':
    case 'div':
    case 'idiv':
    case 'cwd':
    case 'cmpxchg8b':
    case 'cmpxchg16b':
      return [0, 2]
    case 'imul':
      return row.operands === 'Eb' || row.operands === 'Ev' ? [0, 2] : []
    case 'cbw':
    case 'lahf':
    case 'sahf':
    case 'cmpxchg':
    case 'fnstsw':
      return [0]
    case 'xlat':
      return [0, 3]
    case 'maskmovq':
    case 'maskmovdqu':
      return [7]
    default:
      return []
  }
}
