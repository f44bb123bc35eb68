/**
 * Whether a result that WebAssembly has rounded to nearest is exact. Operands are plain (builder/float-tests.ts); results are sure,
 * or zeros that are exact.
 */
import type { Code } from '../wasm/code.ts'
import type { Expr, F32, F64, I32, V128, WasmType } from '../wasm/expr.ts'
import { f32, f32x4, f64, f64x2, i32, i64, v128 } from '../wasm/ops.ts'

/** Where such tests are emitted. */
export interface TestWriter {
  readonly code: Code
  let<T extends WasmType>(value: Expr<T>): Expr<T>
}

const HIDDEN_BIT = 1n << 52n

/** Zero bits below the odd part of a significand; 52 for a zero. */
const trailing = (w: TestWriter, x: F64): Expr<'i64'> =>
  w.let(i64.ctz(i64.or(i64.reinterpret(x), i64.const(HIDDEN_BIT))))

/** The odd part of a significand: an integer, 1 for a zero. */
const oddPart = (x: F64, zeros: Expr<'i64'>): Expr<'i64'> => {
  const significand = i64.or(i64.and(i64.reinterpret(x), i64.const(HIDDEN_BIT - 1n)), i64.const(HIDDEN_BIT))
  return i64.shr_u(significand, zeros)
}

/**
 * Whether the product of two doubles has at most 53 bits. Odd parts of m and n bits have a product of m + n - 1 or m + n: where that
 * is 53 or 54, it is looked at.
 */
export function isExactProduct(w: TestWriter, x: F64, y: F64): I32 {
  const [p, q] = [trailing(w, x), trailing(w, y)]
  const sum = w.let(i64.add(p, q))
  const exact = w.let(i64.gt_u(sum, i64.const(52)))
  w.code.if(i64.eq(sum, i64.const(52)))
  w.code.setLocal(exact.op, i64.lt_u(i64.mul(oddPart(x, p), oddPart(y, q)), i64.const(2n * HIDDEN_BIT)))
  w.code.end()
  return exact
}

/** Whether x divided by y is exactly `quotient`. x is zero or more than the smallest normal number. */
export function isExactQuotient(w: TestWriter, x: F64, y: F64, quotient: F64): I32 {
  return i32.and(isExactProduct(w, quotient, y), f64.eq(f64.mul(quotient, y), x))
}

/**
 * Whether x and y each are what the other leaves of their rounded sum: then it is exact. What it leaves of the smaller one is right to
 * the last bit (Dekker), so that is the smaller one only if nothing was lost.
 */
export const isExactSum = (x: F32, y: F32, sum: F32): I32 =>
  i32.and(f32.eq(f32.sub(sum, x), y), f32.eq(f32.sub(sum, y), x))

export function areExactSums(lanes: 'ps' | 'pd', x: V128, y: V128, sum: V128): I32 {
  const { sub, ne } = lanes === 'ps' ? f32x4 : f64x2
  return i32.eqz(v128.anyTrue(v128.or(ne(sub(sum, x), y), ne(sub(sum, y), x))))
}

/** What is exact of singles is told by doubles, which hold the product of two of them. */
export const isSameSingle = (exact: F64, single: F32): I32 => f64.eq(exact, f64.promote(single))

const HIGH_HALF = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]

/** Two singles of four, as doubles. */
export const halvesOf = (v: V128): readonly [V128, V128] => [
  f64x2.promote_low_f32x4(v),
  f64x2.promote_low_f32x4(v128.shuffle(v, v, HIGH_HALF)),
]

/** All lanes of doubles. */
export function bothLanes(test: (lane: number) => I32): I32 {
  return i32.and(test(0), test(1))
}

/** No lane is not equal. */
export const areEqual = (lanes: 'ps' | 'pd', x: V128, y: V128): I32 =>
  i32.eqz(v128.anyTrue(lanes === 'ps' ? f32x4.ne(x, y) : f64x2.ne(x, y)))
