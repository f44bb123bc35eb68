/** Counts of shifts and rotates: masked to 5 bits, 6 for 64-bit operands. */
import type { Builder } from '../builder/builder.ts'
import type { Decoded, Operand } from '../decode/decoded.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i64 } from '../wasm/ops.ts'

export interface Count {
  /** The masked count, bound. */
  readonly value: I64
  /** Known to be zero for every instruction that shares this body. */
  readonly isZero: boolean
  /** Not zero where flags change; absent if the count is known not to be zero. */
  readonly when?: I32
}

const mask = (size: number): number => (size === 8 ? 63 : 31)

/** `Row.variant` of forms with an immediate count, the operand of that number: 1 if the masked count is zero. */
export function countVariant(insn: Decoded, operand: number): number {
  const count = insn.operands[operand]
  return count.kind === 'imm' && (Number(count.value) & mask(insn.size)) === 0 ? 1 : 0
}

export function countOf(b: Builder, operand: Operand): Count {
  const limit = mask(b.size)
  const known = b.known(operand)
  if (known !== undefined) {
    const count = Number(known) & limit
    return { value: i64.const(count), isZero: count === 0 }
  }
  const value = b.let(i64.and(b.get(b.open(operand, 'r')), i64.const(limit)))
  if (operand.kind !== 'imm') return { value, isZero: false, when: b.let(i64.ne(value, i64.const(0))) }
  return { value, isZero: b.insn.row.variant?.(b.insn) === 1 }
}
