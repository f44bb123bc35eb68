/** fyl2x, fyl2xp1 and fpatan: two operands, the result in ST(1), then a pop. */
import { ZE } from './environment.ts'
import { arcTangent, CONSTANT_BITS, constant, LN2, logarithmOfRatio, PI } from './fixed-point.ts'
import type { Packed, Unpacked } from './format.ts'
import { bitLength, F80, FINITE, INF, INTEGER_BIT, infinity, packExact, ZERO, zero } from './format.ts'
import { invalid, noteDenormals, propagateNan } from './nan.ts'
import { roundPack } from './round.ts'
import { INDEFINITE, type X87Run, type X87Step } from './x87-step.ts'
import { roundScaled } from './x87-transcendental.ts'

/** @param op a is ST(0), b is ST(1) */
const popping =
  (op: (x: X87Step, a: Unpacked, b: Unpacked) => Packed): X87Run =>
  (x) => {
    let result = INDEFINITE
    if (x.isEmpty(0) || x.isEmpty(1)) x.underflow()
    else {
      const a = x.read(0)
      const b = x.read(1)
      const nan = propagateNan(x.env, a, b)
      result = nan ? packExact(F80, nan) : op(x, a, b)
    }
    if (x.deliver(1, result)) x.pop()
  }

const F = 384
const ONE = 1n << BigInt(F)
/** 1 / ln 2 */
const LOG2E: bigint = (ONE << BigInt(F)) / constant(LN2, F)

const isOne = (a: Unpacked): boolean => a.kind === FINITE && a.exp === 0 && a.sig === INTEGER_BIT

/** b * (log / 2^f), where `log` is not zero; `exact` if that is no approximation. */
function scaleBy(x: X87Step, b: Unpacked, log: bigint, f: number, exact: boolean): Packed {
  const magnitude = log < 0n ? -log : log
  const product = b.sig * magnitude
  const sign = b.sign ^ (log < 0n ? 1 : 0)
  const unit = b.exp - 63 - f
  if (!exact) return roundScaled(x, sign, product, unit)
  const width = bitLength(product)
  return roundPack(x.env, F80, 64, sign, unit + width - 1, product, width)
}

export const fyl2x: X87Run = popping((x, a, b) => {
  if (a.kind !== ZERO && a.sign === 1) return packExact(F80, invalid(x.env))
  if (a.kind === ZERO || a.kind === INF) {
    if (b.kind === ZERO) return packExact(F80, invalid(x.env))
    noteDenormals(x.env, a, b)
    if (a.kind === ZERO && b.kind === FINITE) x.env.raise(ZE)
    return packExact(F80, infinity(a.kind === ZERO ? b.sign ^ 1 : b.sign))
  }
  const belowOne = a.exp < 0 ? 1 : 0
  if (b.kind === INF && isOne(a)) return packExact(F80, invalid(x.env))
  noteDenormals(x.env, a, b)
  if (b.kind === INF) return packExact(F80, infinity(b.sign ^ belowOne))
  if (b.kind === ZERO || isOne(a)) return packExact(F80, zero(b.sign ^ belowOne))
  if (a.sig === INTEGER_BIT) return scaleBy(x, b, BigInt(a.exp), 0, true)
  return scaleBy(x, b, logarithm(a.sig << BigInt(F - 63), a.exp), F, false)
})

/** log2(m * 2^exp) with F fraction bits, where m, from 1 to 2, has F too. */
function logarithm(m: bigint, exp: number): bigint {
  // From 0.75 to 1.5 nothing cancels near 1.
  const high = m >> BigInt(F - 1) === 3n ? 1 : 0
  const scaled = m >> BigInt(high)
  const ratio = ((scaled - ONE) << BigInt(F)) / (scaled + ONE)
  return (BigInt(exp + high) << BigInt(F)) + ((logarithmOfRatio(ratio, F) * LOG2E) >> BigInt(F))
}

export const fyl2xp1: X87Run = popping((x, a, b) => {
  if (a.kind === INF || (a.kind === FINITE && a.sign === 1 && a.exp >= 0)) {
    if (a.sign === 1 || b.kind === ZERO) return packExact(F80, invalid(x.env))
    return packExact(F80, infinity(b.sign))
  }
  if (b.kind === INF) {
    if (a.kind === ZERO) return packExact(F80, invalid(x.env))
    noteDenormals(x.env, a, b)
    return packExact(F80, infinity(a.sign ^ b.sign))
  }
  noteDenormals(x.env, a, b)
  if (a.kind === ZERO || b.kind === ZERO) return packExact(F80, zero(a.sign ^ b.sign))
  if (a.exp < -130) return tinyLogarithm(x, a, b)
  // Where 1 is less than half a unit of a's last place, log2(1 + a) is log2(a) to more bits than are needed.
  if (a.exp > 100) return scaleBy(x, b, logarithm(a.sig << BigInt(F - 63), a.exp), F, false)
  const magnitude = a.sig << BigInt(F - 63 + a.exp)
  const v = ONE + (a.sign === 1 ? -magnitude : magnitude)
  const exp = bitLength(v) - 1 - F
  return scaleBy(x, b, logarithm(exp < 0 ? v << BigInt(-exp) : v >> BigInt(exp), exp), F, false)
})

/** log2(1 + a) = a / ln 2, to more bits than are needed. */
function tinyLogarithm(x: X87Step, a: Unpacked, b: Unpacked): Packed {
  const product = b.sig * a.sig * (LOG2E >> BigInt(F - 200))
  return roundScaled(x, a.sign ^ b.sign, product, a.exp + b.exp - 126 - 200)
}

/** The angle of the point (ST(0), ST(1)): between -pi and pi. */
export const fpatan: X87Run = popping((x, a, b) => {
  noteDenormals(x.env, a, b)
  if (b.kind === ZERO || (a.kind === INF && b.kind !== INF)) {
    return a.sign === 0 ? packExact(F80, zero(b.sign)) : multipleOfPi(x, b.sign, 4n)
  }
  if (a.kind === ZERO || (b.kind === INF && a.kind !== INF)) return multipleOfPi(x, b.sign, 2n)
  if (a.kind === INF) return multipleOfPi(x, b.sign, a.sign === 0 ? 1n : 3n)
  const distance = b.exp - a.exp
  if (distance < -70 && a.sign === 0) return tinyAngle(x, a, b, distance)
  const turned = distance > 0 || (distance === 0 && b.sig > a.sig)
  const small = turned ? a : b
  const large = turned ? b : a
  const f = 200 + Math.min(Math.abs(distance), 128)
  const shift = f - Math.abs(distance)
  const ratio = shift >= 0 ? (small.sig << BigInt(shift)) / large.sig : 0n
  let result = arcTangent(ratio, f)
  const pi = constant(PI, f)
  if (turned) result = (pi >> 1n) + (a.sign === 1 ? result : -result)
  else if (a.sign === 1) result = pi - result
  return roundScaled(x, b.sign, result, -f)
})

/** Quarters of half a turn: `quarters * pi / 4`. */
const multipleOfPi = (x: X87Step, sign: number, quarters: bigint): Packed =>
  roundScaled(x, sign, quarters * (PI >> BigInt(CONSTANT_BITS - 200)), -202)

/** atan(t) for a tiny t = b / a: just below t. */
function tinyAngle(x: X87Step, a: Unpacked, b: Unpacked, distance: number): Packed {
  const quotient = (b.sig << 200n) / a.sig
  const exact = quotient * a.sig === b.sig << 200n
  return roundScaled(x, b.sign, (quotient << 1n) - (exact ? 1n : 0n), distance - 201)
}
