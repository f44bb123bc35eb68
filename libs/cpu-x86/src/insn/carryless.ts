import type { Builder } from '../builder/builder.ts'
import type { I64 } from '../wasm/expr.ts'
import { i64 } from '../wasm/ops.ts'

const every4th = (n: number, bits: 32 | 64): I64 =>
  i64.const(BigInt.asUintN(bits, (bits === 32 ? 0x11111111n : 0x1111111111111111n) << BigInt(n)))

/**
 * Product of polynomials over GF(2) below degree 32 (bound, or constant), by integer products of every fourth bit: at most eight
 * ones meet at a place, so that a sum stays within its four bits, of which the lowest is the answer.
 */
export function carrylessProduct(b: Builder, x: I64, y: I64): I64 {
  const parts = (v: I64): I64[] => [0, 1, 2, 3].map((n) => b.let(i64.and(v, every4th(n, 32))))
  const [xs, ys] = [parts(x), parts(y)]
  const places = [0, 1, 2, 3].map((n) => {
    const products = xs.map((part, i) => i64.mul(part, ys[(n - i) & 3]))
    return i64.and(
      products.reduce((sum, p) => i64.xor(sum, p)),
      every4th(n, 64),
    )
  })
  return places.reduce((sum, p) => i64.or(sum, p))
}
