import type { Builder } from '../builder/builder.ts'
import type { I64 } from '../wasm/expr.ts'
import { i64 } from '../wasm/ops.ts'

/** Exchanges neighbouring groups of `bits` bits; `mask` selects the lower of each pair. */
function swapGroups(b: Builder, value: I64, bits: number, mask: bigint): I64 {
  const count = i64.const(bits)
  const lower = i64.shl(i64.and(value, i64.const(mask)), count)
  return b.let(i64.or(lower, i64.and(i64.shr_u(value, count), i64.const(mask))))
}

/** A value of 2, 4 or 8 bytes, zero-extended, with its bytes in the opposite order. */
export function swapBytes(b: Builder, value: I64, size: number): I64 {
  const bytes = swapGroups(b, b.let(value), 8, 0x00ff00ff00ff00ffn)
  if (size === 2) return bytes
  const words = swapGroups(b, bytes, 16, 0x0000ffff0000ffffn)
  return size === 4 ? words : i64.rotl(words, i64.const(32))
}
