/** Addition, subtraction, multiplication, division and square root, for every format and precision. */
import type { FloatEnvironment } from './environment.ts'
import { DE, ROUND_DOWN, ZE } from './environment.ts'
import type { FloatFormat, Packed, Unpacked } from './format.ts'
import { bitLength, FINITE, INF, infinity, packExact, ZERO, zero } from './format.ts'
import { invalid, noteDenormals, operand, propagateNan, propagateOne } from './nan.ts'
import { roundPack } from './round.ts'

/** An operation of two operands; `precision` is the format's unless x87 precision control reduces it. */
export type Binary = (env: FloatEnvironment, format: FloatFormat, precision: number, a: Unpacked, b: Unpacked) => Packed

export const add: Binary = (env, format, precision, a, b) => sum(env, format, precision, a, b, 0)
export const subtract: Binary = (env, format, precision, a, b) => sum(env, format, precision, a, b, 1)

/** Guard bits below the larger operand: more than any format needs to round a sticky rest right. */
const GUARD = 66

function sum(
  env: FloatEnvironment,
  format: FloatFormat,
  precision: number,
  first: Unpacked,
  second: Unpacked,
  negate: number,
): Packed {
  const a = operand(env, first)
  const b = operand(env, second)
  const nan = propagateNan(env, a, b)
  if (nan) return packExact(format, nan)
  const bSign = b.sign ^ negate
  if (a.kind === INF || b.kind === INF) {
    if (a.kind === b.kind && a.sign !== bSign) return packExact(format, invalid(env))
    noteDenormals(env, a, b)
    return packExact(format, infinity(a.kind === INF ? a.sign : bSign))
  }
  noteDenormals(env, a, b)
  const zeroSign = env.rounding === ROUND_DOWN ? 1 : 0
  if (a.kind === ZERO && b.kind === ZERO) return packExact(format, zero(a.sign === bSign ? a.sign : zeroSign))
  if (b.kind === ZERO) return roundPack(env, format, precision, a.sign, a.exp, a.sig, 64)
  if (a.kind === ZERO) return roundPack(env, format, precision, bSign, b.exp, b.sig, 64)

  const swap = a.exp < b.exp
  const large = swap ? b : a
  const small = swap ? a : b
  const distance = large.exp - small.exp
  const x = large.sig << BigInt(GUARD)
  const y = distance > GUARD ? 1n : small.sig << BigInt(GUARD - distance)
  const sign = swap ? bSign : a.sign
  if (a.sign === bSign) {
    const total = x + y
    const width = total >> BigInt(64 + GUARD) === 0n ? 64 + GUARD : 65 + GUARD
    return roundPack(env, format, precision, sign, large.exp + width - 64 - GUARD, total, width)
  }
  const difference = x - y
  if (difference === 0n) return packExact(format, zero(zeroSign))
  const magnitude = difference < 0n ? -difference : difference
  const width = bitLength(magnitude)
  const exp = large.exp + width - 64 - GUARD
  return roundPack(env, format, precision, difference < 0n ? sign ^ 1 : sign, exp, magnitude, width)
}

export const multiply: Binary = (env, format, precision, first, second) => {
  const a = operand(env, first)
  const b = operand(env, second)
  const nan = propagateNan(env, a, b)
  if (nan) return packExact(format, nan)
  const sign = a.sign ^ b.sign
  if (a.kind === INF || b.kind === INF) {
    if (a.kind === ZERO || b.kind === ZERO) return packExact(format, invalid(env))
    noteDenormals(env, a, b)
    return packExact(format, infinity(sign))
  }
  noteDenormals(env, a, b)
  if (a.kind === ZERO || b.kind === ZERO) return packExact(format, zero(sign))
  const product = a.sig * b.sig
  const width = product >> 127n === 0n ? 127 : 128
  return roundPack(env, format, precision, sign, a.exp + b.exp + width - 127, product, width)
}

export const divide: Binary = (env, format, precision, first, second) => {
  const a = operand(env, first)
  const b = operand(env, second)
  const nan = propagateNan(env, a, b)
  if (nan) return packExact(format, nan)
  const sign = a.sign ^ b.sign
  if (a.kind === INF) {
    if (b.kind === INF) return packExact(format, invalid(env))
    noteDenormals(env, a, b)
    return packExact(format, infinity(sign))
  }
  if (b.kind === ZERO) {
    if (a.kind === ZERO) return packExact(format, invalid(env))
    env.raise(ZE)
    return packExact(format, infinity(sign))
  }
  noteDenormals(env, a, b)
  if (b.kind === INF || a.kind === ZERO) return packExact(format, zero(sign))
  const dividend = a.sig << 67n
  const quotient = dividend / b.sig
  const sticky = quotient * b.sig === dividend ? quotient : quotient | 1n
  const width = quotient >> 67n === 0n ? 67 : 68
  return roundPack(env, format, precision, sign, a.exp - b.exp + width - 68, sticky, width)
}

export function squareRoot(env: FloatEnvironment, format: FloatFormat, precision: number, source: Unpacked): Packed {
  const a = operand(env, source)
  const nan = propagateOne(env, a)
  if (nan) return packExact(format, nan)
  if (a.kind === ZERO) return packExact(format, a)
  if (a.sign === 1) return packExact(format, invalid(env))
  if (a.kind === FINITE && a.denormal) env.raise(DE)
  if (a.kind === INF) return packExact(format, a)
  const odd = a.exp & 1
  const radicand = a.sig << BigInt(71 + odd)
  const root = integerSquareRoot(radicand)
  const sticky = root * root === radicand ? root : root | 1n
  return roundPack(env, format, precision, 0, (a.exp - odd) / 2, sticky, 68)
}

/** floor(sqrt(v)) for v below 2^140: a double is right to 50 bits, one Newton step to more than 68. */
export function integerSquareRoot(v: bigint): bigint {
  let root = BigInt(Math.floor(Math.sqrt(Number(v))))
  root = (root + v / root) >> 1n
  while (root * root > v) root -= 1n
  while ((root + 1n) * (root + 1n) <= v) root += 1n
  return root
}
