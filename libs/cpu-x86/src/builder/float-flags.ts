import type { F32, F64, I32, I64 } from '../wasm/expr.ts'
import { f32, f64, i32, i64 } from '../wasm/ops.ts'

/**
 * What comis and ucomis say of two numbers: ZF for equal, CF for less, ZF, PF and CF for unordered; OF, SF and AF are clear. Comparisons
 * of WebAssembly do not hold where there is a NaN.
 */
interface Ordering {
  readonly less: I32
  readonly greater: I32
  readonly equal: I32
  /** Greater or equal. */
  readonly notLess: I32
  readonly ordered: I32
}

/** @param size of the numbers, in bytes @param x, y their bits: constants or bound */
function ordering(x: I64, y: I64, size: number): Ordering {
  if (size === 8) {
    const [p, q] = [f64.reinterpret(x), f64.reinterpret(y)] as [F64, F64]
    const ordered = (): I32 => i32.and(f64.eq(p, p), f64.eq(q, q))
    return { less: f64.lt(p, q), greater: f64.gt(p, q), equal: f64.eq(p, q), notLess: f64.ge(p, q), ordered: ordered() }
  }
  const [p, q] = [x, y].map((bits) => f32.reinterpret(i32.wrap(bits))) as [F32, F32]
  const ordered = i32.and(f32.eq(p, p), f32.eq(q, q))
  return { less: f32.lt(p, q), greater: f32.gt(p, q), equal: f32.eq(p, q), notLess: f32.ge(p, q), ordered }
}

/** CF. */
export const floatCarry = (x: I64, y: I64, size: number): I32 => i32.eqz(ordering(x, y, size).notLess)
/** ZF. */
export function floatZero(x: I64, y: I64, size: number): I32 {
  const { less, greater } = ordering(x, y, size)
  return i32.eqz(i32.or(less, greater))
}

/** 1 if the condition holds, else 0. */
export function floatCondition(code: number, x: I64, y: I64, size: number): I32 {
  const isNegated = (code & 1) !== 0
  const { greater, notLess, ordered } = ordering(x, y, size)
  const never = i32.const(isNegated ? 1 : 0)
  switch (code >> 1) {
    case 1:
      return isNegated ? notLess : i32.eqz(notLess)
    case 2:
    case 7:
      return isNegated ? i32.eqz(floatZero(x, y, size)) : floatZero(x, y, size)
    case 3:
      return isNegated ? greater : i32.eqz(greater)
    case 5:
      return isNegated ? ordered : i32.eqz(ordered)
    default:
      // OF and SF are clear.
      return never
  }
}

/** The flags as an RFLAGS image. */
export function floatBits(x: I64, y: I64, size: number): I64 {
  const { ordered } = ordering(x, y, size)
  const bits = i32.or(
    i32.or(floatCarry(x, y, size), i32.shl(i32.eqz(ordered), i32.const(2))),
    i32.shl(floatZero(x, y, size), i32.const(6)),
  )
  return i64.extend_i32_u(bits)
}
