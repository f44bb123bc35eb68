/** 128-bit products from 64-bit operations. */
import type { I64 } from '../wasm/expr.ts'
import { i64 } from '../wasm/ops.ts'

const LOW32 = i64.const(0xffffffff)

/** Gives an expression a local, if it is to be used more than once. */
export type Bind = (x: I64) => I64

export const high32 = (x: I64): I64 => i64.shr_u(x, i64.const(32))
export const low32 = (x: I64): I64 => i64.and(x, LOW32)

/** The upper half of the unsigned product of two bound values. */
export function multiplyHighUnsigned(bind: Bind, x: I64, y: I64): I64 {
  const [xl, xh, yl, yh] = [low32(x), high32(x), low32(y), high32(y)].map(bind)
  const low = i64.mul(xl, yl)
  const cross = bind(i64.add(i64.mul(xh, yl), high32(low)))
  const middle = i64.add(i64.mul(xl, yh), low32(cross))
  return bind(i64.add(i64.add(i64.mul(xh, yh), high32(cross)), high32(middle)))
}

/** The upper half of the signed product of two bound values. */
export function multiplyHighSigned(bind: Bind, x: I64, y: I64): I64 {
  const unsigned = multiplyHighUnsigned(bind, x, y)
  const correction = i64.add(i64.and(i64.shr_s(x, i64.const(63)), y), i64.and(i64.shr_s(y, i64.const(63)), x))
  return bind(i64.sub(unsigned, correction))
}
