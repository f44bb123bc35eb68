/**
 * Compares our answer with iced's. What we mean to do differently, and where the two merely say the same in other words, is
 * written here and nowhere else.
 */
import type { Decoded, DecodeFault } from '../../src/decode/decoded.ts'
import { isFault } from '../../src/decode/decoder.ts'
import type { Answer } from './iced-text.ts'
import { impliesOperands, textOf } from './our-text.ts'

/** What is offered by default, in iced's names: of these we decode everything. */
const REQUIRED: ReadonlySet<string> = new Set(
  `INTEL8086 INTEL8086_ONLY INTEL186 INTEL286 INTEL286_ONLY INTEL386 INTEL386_ONLY INTEL486 X64 FPU FPU287 FPU387 MMX SSE SSE2 FXSR
   CMOV CX8 CMPXCHG16B MSR SYSCALL SEP TSC RDPMC RDTSCP PAUSE CLFSH MONITOR SMAP CET_IBT WBNOINVD CPUID MULTIBYTENOP
   SSE3 SSSE3 SSE4_1 SSE4_2 POPCNT MOVBE BMI1 BMI2 LZCNT PREFETCHW AES PCLMULQDQ SHA`.split(/\s+/),
)

/** Same effect, other name: chosen by operand size or by the bytes, not by the row. */
const SAME_NAME: Readonly<Record<string, string>> = {
  movd: 'movq',
  fxsave: 'fxsave64',
  fxrstor: 'fxrstor64',
}

/** The operands of these do not say what is accessed, or iced adds implied ones. */
const ONLY_LENGTH: ReadonlySet<string> = new Set(['nop', 'prefetch', 'maskmovq', 'maskmovdqu', 'xlat'])

/** Registers of which fewer bits take part than iced's name says, or whose upper bits become zero either way. */
const LOOSE_REGISTER_SIZE: ReadonlySet<string> = new Set(
  'mov lldt ltr verr verw lmsw lar lsl sldt str smsw pinsrw pextrw pmovmskb movmskps movmskpd pinsrb pextrb extractps arpl'.split(
    ' ',
  ),
)

const isX87 = ({ row }: Decoded) => row.map === 0 && row.code >= 0xd8 && row.code <= 0xdf

/** Reduces 64- and 32-bit names of general registers to 16 bits: they then only tell which register. */
const unsized = (text: string) =>
  text.replace(/\br(\d+)[dwl]?\b/g, 'r$1').replace(/\b[er]([abcd]x|[sd]i|[sb]p)\b/g, '$1')

function withoutOperands(text: string): string {
  return text.replace(/^(\d+: (?:lock )?\S+) .*$/, '$1')
}

/** With REX.B the processor (Zen 4, tried) exchanges r8 in spite of F3; iced says pause. */
const isNoPause = ({ row }: Decoded, theirs: Answer) => row.name === 'xchg' && theirs.mnemonic === 'pause'

/** Undefined where the answers agree, else both. */
export function difference(ours: Decoded | DecodeFault, theirs: Answer): string | undefined {
  if (isFault(ours)) {
    if (ours.fault !== 'invalid') return `${ours.fault} | ${theirs.text}`
    return theirs.valid && mustDecode(theirs) ? `invalid | ${theirs.text} (${theirs.features()})` : undefined
  }
  if (isNoPause(ours, theirs)) return undefined
  let left = textOf(ours)
  let right = theirs.text
  if (left === right) return undefined
  const { row } = ours
  const memory = ours.operands.find((operand) => operand.kind === 'mem')
  if (memory?.size === 0) right = right.replace(/\]\d+/, ']0')
  if (row.rep === 'rep') right = right.replace('repne ', 'rep ')
  if (isX87(ours)) {
    // Each stack register may be a row of its own, or none.
    left = left.replace(/ \S+/, '').replace(/ $/, '')
    right = right.replace(/ \S+/, '').replace(/ $/, '')
    if (!memory) right = right.replace(/ st\d.*$/, '').replace(/ ax$/, '')
  }
  const other = SAME_NAME[row.name]
  if (other) right = right.replace(` ${other} `, ` ${row.name} `)
  if (ONLY_LENGTH.has(row.name)) {
    left = `${ours.length}`
    right = right.replace(/:.*$/, '')
  } else if (row.operands === '' || impliesOperands(ours)) {
    left = withoutOperands(left)
    right = withoutOperands(right)
  } else if (LOOSE_REGISTER_SIZE.has(row.name) && row.operands !== 'Ev Gv') {
    left = unsized(left)
    right = unsized(right)
  }
  return left === right ? undefined : `${left} | ${right} (${row.name} ${row.operands})`
}

function mustDecode(theirs: Answer): boolean {
  return (theirs.legacy || theirs.vex) && theirs.features().every((name) => REQUIRED.has(name))
}
