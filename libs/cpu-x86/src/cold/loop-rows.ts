/**
 * Rows with bodies in the cold tier's loop, besides those that jump and repeat: 99 of 100 instructions that a boot of Debian, its gcc,
 * python, perl, sqlite and gzip have translated. V8's time and memory for the loop grow faster than its length: 1965 bodies took 1.1 s
 * and 870 MiB, 1313 take 0.3 s and 220 MiB.
 */
import type { Decoded } from '../decode/decoded.ts'
import type { Row } from '../insn/row.ts'
import { addressShape } from './record-builder.ts'

/** In all sizes, wherever their operands are. */
const ANYWHERE: ReadonlySet<string> = new Set(['mov', 'cmp', 'test', 'movzx', 'movsx', 'movsxd', 'lea', 'nop'])
/** In all sizes, but not for memory that is reached by an index. */
const ALL_SIZES: ReadonlySet<string> = new Set(['and', 'or', 'push', 'pop'])
/** Of 4 and 8 bytes, likewise. */
const WHOLE: ReadonlySet<string> = new Set(
  'add sub xor inc dec neg not shl shr sar rol ror sbb imul bt bsr tzcnt cbw cwd leave endbr64'.split(' '),
)
const CONDITIONAL = /^(cmov|set)/

/** Whether some instructions of the row are frequent enough. */
export function mayBeFrequent({ name }: Row): boolean {
  return ANYWHERE.has(name) || ALL_SIZES.has(name) || CONDITIONAL.test(name) || WHOLE.has(name)
}

/** Whether instructions of the same form are. */
export function isFrequent(insn: Decoded): boolean {
  const { name } = insn.row
  if (!mayBeFrequent(insn.row)) return false
  if (ANYWHERE.has(name)) return true
  if (insn.operands.some((o) => o.kind === 'mem' && addressShape(o, insn.addressSize) !== 'm')) return false
  return !WHOLE.has(name) || insn.size !== 1
}
