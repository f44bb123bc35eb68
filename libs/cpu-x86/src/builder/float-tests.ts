/**
 * What floating-point numbers are, told by their bits. Numbers are *plain* if they are zero or normal: arithmetic on them raises
 * neither DE nor IE for an operand. A result is *sure* if it is normal and not the smallest power of two, which may be the rounded
 * result of an underflow: then WebAssembly's arithmetic gives what the processor gives, and no flag but the inexact one.
 */
import type { F32, F64, I32, V128 } from '../wasm/expr.ts'
import { f32, f32x4, f64, f64x2, i32, i32x4, i64, i64x2, v128 } from '../wasm/ops.ts'

/** Which lanes of a place an operation takes: one single or double, or all of them. */
export type FloatLanes = 'ss' | 'sd' | 'ps' | 'pd'

/** The type of such an operand. */
export type FloatValue = F32 | F64 | V128

export interface FloatTests {
  /** Zero, denormal, infinite or NaN: in the frequent case none. */
  odd(v: FloatValue): I32
  /** Of a value that is odd: not zero. */
  bad(v: FloatValue): I32
  /** Not sure, or `limit` is 0. */
  unsure(v: FloatValue, limit: I32): I32
  /** Of some values: any is not sure. */
  anyUnsure(values: readonly FloatValue[]): I32
  /** All lanes that are not sure satisfy a condition: a mask, where lanes are packed. */
  only(v: FloatValue, condition: I32 | V128): I32
  /** What `unsure` compares with in the usual mode. */
  readonly limit: number
}

/** -0 and 0. */
export const isZero = (v: F32 | F64): I32 =>
  v.type === 'f64' ? f64.eq(v as F64, f64.const(0)) : f32.eq(v as F32, f32.const(0))

/** A constant in every lane. */
function lanes(bits: 32 | 64, value: bigint): V128 {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at < 16; at += bits / 8)
    if (bits === 32) view.setUint32(at, Number(BigInt.asUintN(32, value)), true)
    else view.setBigUint64(at, BigInt.asUintN(64, value), true)
  return v128.const(bytes)
}

/** The 32 bits with sign and exponent, without the sign, at the top. */
const highBits = (v: FloatValue): I32 =>
  v.type === 'f64'
    ? i32.shl(i32.wrap(i64.shr_u(i64.reinterpret(v as F64), i64.const(32))), i32.const(1))
    : i32.shl(i32.reinterpret(v as F32), i32.const(1))

/** @param step what the exponent counts by in `highBits` */
function scalarTests(step: number): FloatTests {
  const span = (exponents: number): number => (exponents * step) | 0
  const most = step === 1 << 21 ? 2046 : 254
  const limit = span(most - 1)
  const unsure = (v: FloatValue, bound: I32): I32 => i32.ge_u(i32.sub(highBits(v), i32.const(2 * step)), bound)
  return {
    odd: (v) => i32.ge_u(i32.sub(highBits(v), i32.const(step)), i32.const(span(most))),
    bad: (v) => i32.eqz(isZero(v as F32 | F64)),
    unsure,
    anyUnsure: (values) => values.map((v) => unsure(v, i32.const(limit))).reduce(i32.or),
    only: (_, condition) => condition as I32,
    limit,
  }
}

/** Comparisons are signed: adding half the range first turns unsigned order into signed order. */
function packedTests(bits: 32 | 64, fraction: bigint): FloatTests {
  const ops = bits === 32 ? i32x4 : i64x2
  const equal = bits === 32 ? f32x4.eq : f64x2.eq
  const half = 1n << BigInt(bits - 1)
  const step = 1n << fraction
  const infinity = half - step
  const magnitude = (v: V128): V128 => v128.and(v, lanes(bits, half - 1n))
  const outside = (v: V128, least: bigint): V128 =>
    ops.gt_s(ops.add(magnitude(v), lanes(bits, half - least)), lanes(bits, infinity - least - half - 1n))
  const zero = lanes(bits, 0n)
  return {
    odd: (v) => ops.bitmask(outside(v as V128, step)),
    bad: (v) => ops.bitmask(v128.andnot(outside(v as V128, step), equal(v as V128, zero))),
    unsure: (v) => ops.bitmask(outside(v as V128, 2n * step)),
    anyUnsure: (values) => ops.bitmask(values.map((v) => outside(v as V128, 2n * step)).reduce(v128.or)),
    only: (v, condition) => i32.eqz(ops.bitmask(v128.andnot(outside(v as V128, 2n * step), condition as V128))),
    limit: 1,
  }
}

export const FLOAT_TESTS: Readonly<Record<FloatLanes, FloatTests>> = {
  ss: scalarTests(1 << 24),
  sd: scalarTests(1 << 21),
  ps: packedTests(32, 23n),
  pd: packedTests(64, 52n),
}

/** MXCSR as `isUsual` wants it: to nearest, everything masked, inexact set. What FTZ and DAZ are about is left to the library anyway. */
const USUAL_BITS = 0x7fa0
const USUAL = 0x1fa0
/** The inexact flag of MXCSR. */
export const PE = 0x20

export function isUsual(mxcsr: I32): I32 {
  return i32.eq(i32.and(mxcsr, i32.const(USUAL_BITS)), i32.const(USUAL))
}

/** Usual but for the inexact flag: nothing has been rounded yet. */
export function isExactSoFar(mxcsr: I32): I32 {
  return i32.eq(i32.and(mxcsr, i32.const(USUAL_BITS)), i32.const(USUAL ^ PE))
}

/** Opcodes of stores. */
export const STORE_F32 = 0x38
export const STORE_F64 = 0x39
