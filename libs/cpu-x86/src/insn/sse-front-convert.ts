/** Conversions, and rounding to an integral value: exact if converting back gives the same. */
import { FLOAT_TESTS, isZero, STORE_F32, STORE_F64 } from '../builder/float-tests.ts'
import { CPU } from '../state/layout.ts'
import { STORE_V128, STORE64 } from '../wasm/code.ts'
import type { Expr, F32, F64, I32 } from '../wasm/expr.ts'
import { f32, f32x4, f64, f64x2, i32, i32x4, i64, select, v128 } from '../wasm/ops.ts'
import { wantPlain } from './exact-arithmetic.ts'
import { areEqual, bothLanes, halvesOf, isSameSingle } from './exactness.ts'
import type { Front, FrontWriter } from './sse-front.ts'

type Scalar = F32 | F64
type Lanes = 'ss' | 'sd'

function plainSource(w: FrontWriter, lanes: Lanes): Scalar {
  const x = lanes === 'ss' ? w.let(f32.load(w.source)) : w.let(f64.load(w.source))
  wantPlain(w, lanes, x)
  return x
}

/** A significand has `precision` bits. */
const fromInteger =
  (lanes: Lanes, precision: number): Front =>
  (w) => {
    const n = w.let(i64.load(w.cpu, CPU.RESULT))
    if (lanes === 'ss') w.code.store(STORE_F32, w.target, f32.convert_i64_s(n))
    else w.code.store(STORE_F64, w.target, f64.convert_i64_s(n))
    const sign = i64.shr_s(n, i64.const(63))
    const magnitude = w.let(i64.sub(i64.xor(n, sign), sign))
    w.finish(i64.ge_u(i64.add(i64.clz(magnitude), i64.ctz(magnitude)), i64.const(64 - precision)))
  }

const toInteger =
  (lanes: Lanes, bits: 32 | 64, truncates: boolean): Front =>
  (w) => {
    const plain = plainSource(w, lanes)
    const x = lanes === 'ss' ? w.let(f64.promote(plain as F32)) : (plain as F64)
    const rounded = w.let(truncates ? f64.trunc(x) : f64.nearest(x))
    w.leaveIf(i32.eqz(f64.lt(f64.abs(rounded), f64.const(bits === 32 ? 2 ** 31 : 2 ** 63))))
    w.code.store(STORE64[8], w.cpu, i64.trunc_sat_f64_s(rounded), CPU.RESULT)
    w.finish(f64.eq(rounded, x))
  }

const doubleToSingle: Front = (w) => {
  const x = plainSource(w, 'sd') as F64
  const result = w.let(f32.demote(x))
  w.code.if(FLOAT_TESTS.ss.unsure(result, i32.const(FLOAT_TESTS.ss.limit)))
  w.leaveIf(i32.eqz(isZero(x)))
  w.code.end()
  w.code.store(STORE_F32, w.target, result)
  w.finish(isSameSingle(x, result))
}

const singleToDouble: Front = (w) => {
  const x = plainSource(w, 'ss') as F32
  w.code.store(STORE_F64, w.target, f64.promote(x))
  w.finish()
}

/** Bit 2 of the immediate asks for MXCSR's rounding, to nearest; bit 3 for silence. */
const round =
  (lanes: Lanes): Front =>
  (w) => {
    const x = plainSource(w, lanes) as F64
    const ops = (lanes === 'ss' ? f32 : f64) as typeof f64
    const isMode = (n: number): I32 => i32.eq(i32.and(w.imm, i32.const(7)), i32.const(n))
    const down = select(isMode(1), ops.floor(x), ops.nearest(x))
    const result = w.let(select(isMode(2), ops.ceil(x), select(isMode(3), ops.trunc(x), down)) as Expr<'f64'>)
    w.code.store(lanes === 'ss' ? STORE_F32 : STORE_F64, w.target, result)
    w.finish(i32.or(i32.and(w.imm, i32.const(8)), ops.eq(result, x)))
  }

const integersToSingles: Front = (w) => {
  const x = w.let(v128.load(w.source))
  const result = w.let(f32x4.convert_i32x4_s(x))
  w.code.store(STORE_V128, w.target, result)
  const high = v128.shuffle(x, x, [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15])
  const exact = [f64x2.convert_low_i32x4_s(x), f64x2.convert_low_i32x4_s(high)]
  w.finish(bothLanes((half) => areEqual('pd', exact[half], halvesOf(result)[half])))
}

/** Numbers below 2^31; results of doubles have zeros above. */
const toIntegers =
  (lanes: 'ps' | 'pd', truncates: boolean): Front =>
  (w) => {
    const ops = lanes === 'ps' ? f32x4 : f64x2
    const x = w.let(v128.load(w.source))
    wantPlain(w, lanes, x)
    const rounded = w.let(truncates ? ops.trunc(x) : ops.nearest(x))
    const bound = lanes === 'ps' ? f32x4.splat(f32.const(2 ** 31)) : f64x2.splat(f64.const(2 ** 31))
    w.leaveIf(v128.anyTrue(v128.not(ops.lt(ops.abs(rounded), bound))))
    const convert = lanes === 'ps' ? i32x4.trunc_sat_f32x4_s : i32x4.trunc_sat_f64x2_s_zero
    w.code.store(STORE_V128, w.target, convert(rounded))
    w.finish(areEqual(lanes, rounded, x))
  }

export const FRONT_CONVERSIONS: readonly (readonly [string, Front])[] = [
  ...(['ss', 'sd'] as const).flatMap((lanes): readonly (readonly [string, Front])[] =>
    ([32, 64] as const).flatMap((bits): readonly (readonly [string, Front])[] => [
      [`cvtsi2${lanes}.${bits}`, fromInteger(lanes, lanes === 'ss' ? 24 : 53)],
      [`cvt${lanes}2si.${bits}`, toInteger(lanes, bits, false)],
      [`cvtt${lanes}2si.${bits}`, toInteger(lanes, bits, true)],
    ]),
  ),
  ['cvtsd2ss', doubleToSingle],
  ['cvtss2sd', singleToDouble],
  ['roundss', round('ss')],
  ['roundsd', round('sd')],
  ['cvtdq2ps', integersToSingles],
  ['cvtps2dq', toIntegers('ps', false)],
  ['cvttps2dq', toIntegers('ps', true)],
  ['cvtpd2dq', toIntegers('pd', false)],
  ['cvttpd2dq', toIntegers('pd', true)],
]
