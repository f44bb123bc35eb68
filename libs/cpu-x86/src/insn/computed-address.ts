import type { Builder } from '../builder/builder.ts'
import type { MemOperand } from '../decode/decoded.ts'
import type { I64 } from '../wasm/expr.ts'
import { i64 } from '../wasm/ops.ts'

/**
 * Linear address of a memory operand whose offset is `extra` further than the encoding says (xlat, pop to memory by RSP).
 * The sum wraps at the address size, then the segment base is added; in
 * compatibility mode that sum wraps too. The operand has a base register.
 */
export function computedAddress(b: Builder, operand: MemOperand, extra: I64): I64 {
  const offset = b.let(b.address(operand, false))
  const base = i64.sub(b.address(operand, true), offset)
  return b.let(b.trunc(i64.add(b.trunc(i64.add(offset, extra), b.insn.addressSize), base), b.insn.mode / 8))
}
