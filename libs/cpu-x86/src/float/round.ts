/** Rounding of an exact (or sticky) intermediate to a format: SDM volume 1, sections 4.8.4, 4.9.1.4 to 4.9.1.6. */
import type { FloatEnvironment } from './environment.ts'
import { OE, PE, ROUND_DOWN, ROUND_NEAREST, ROUND_UP, ROUND_ZERO, UE } from './environment.ts'
import type { FloatFormat, Packed } from './format.ts'
import { INTEGER_BIT } from './format.ts'

/** Exponent adjustment of an unmasked x87 overflow or underflow with a register destination. */
const WRAP = 24576
const ALL_ONES = (1n << 64n) - 1n

/**
 * Whether dropping the low `drop` (at least 1) bits of `sig` rounds the magnitude up.
 * @param sign 1 for a negative value
 */
export function roundsUp(rounding: number, sign: number, sig: bigint, drop: number): boolean {
  const rest = BigInt.asUintN(drop, sig)
  if (rest === 0n || rounding === ROUND_ZERO) return false
  if (rounding === ROUND_NEAREST) {
    const half = 1n << BigInt(drop - 1)
    if (rest !== half) return rest > half
    return ((sig >> BigInt(drop)) & 1n) === 1n
  }
  return rounding === (sign === 0 ? ROUND_UP : ROUND_DOWN)
}

/** The significand of `sig` without its low `drop` bits, rounded; sets `env.roundedUp`. */
function dropBits(env: FloatEnvironment, sign: number, sig: bigint, drop: number): bigint {
  const up = roundsUp(env.rounding, sign, sig, drop)
  env.roundedUp = up
  const kept = sig >> BigInt(drop)
  return up ? kept + 1n : kept
}

/**
 * Rounds `sig * 2^(exp - (width - 1))` to `precision` bits within the exponent range of `format`.
 * The low bit of `sig` may stand for any non-zero rest (sticky).
 * @param width bit length of `sig`, at least `precision + 2` unless the value is exact
 */
export function roundPack(
  env: FloatEnvironment,
  format: FloatFormat,
  precision: number,
  sign: number,
  exp: number,
  sig: bigint,
  width: number,
): Packed {
  let significand = sig
  let bits = width
  if (bits <= precision) {
    significand <<= BigInt(precision + 1 - bits)
    bits = precision + 1
  }
  const drop = bits - precision
  let kept = dropBits(env, sign, significand, drop)
  let exponent = exp
  if (kept >> BigInt(precision) !== 0n) {
    kept >>= 1n
    exponent += 1
  }
  const inexact = BigInt.asUintN(drop, significand) !== 0n
  const align = BigInt(64 - precision)
  if (exponent >= format.emin && exponent <= format.emax) {
    if (inexact) env.raise(PE)
    return { sign, biased: exponent + format.bias, sig: kept << align }
  }
  if (exponent > format.emax) {
    env.raise(OE)
    if (env.isMasked(OE)) return overflow(env, format, align, sign)
    if (inexact) env.raise(PE)
    return wrapped(env, format, sign, exponent - WRAP, kept << align)
  }
  if (!env.isMasked(UE)) {
    env.raise(inexact ? UE | PE : UE)
    return wrapped(env, format, sign, exponent + WRAP, kept << align)
  }
  if (env.flushToZero) {
    env.raise(UE | PE)
    return { sign, biased: 0, sig: 0n }
  }
  const deep = Math.min(drop + format.emin - exp, bits + 2)
  const tiny = dropBits(env, sign, significand, deep)
  if (BigInt.asUintN(deep, significand) !== 0n) env.raise(UE | PE)
  const stored = tiny << align
  return { sign, biased: (stored & INTEGER_BIT) === 0n ? 0 : 1, sig: stored }
}

function overflow(env: FloatEnvironment, format: FloatFormat, align: bigint, sign: number): Packed {
  env.raise(PE)
  const away = env.rounding === ROUND_NEAREST || env.rounding === (sign === 0 ? ROUND_UP : ROUND_DOWN)
  env.roundedUp = away
  if (away) return { sign, biased: format.special, sig: INTEGER_BIT }
  return { sign, biased: format.special - 1, sig: (ALL_ONES >> align) << align }
}

/** A result outside the wrapped range (only fscale gets there) is zero or infinity. */
function wrapped(env: FloatEnvironment, format: FloatFormat, sign: number, exp: number, sig: bigint): Packed {
  if (!env.wrapExponent) return { sign, biased: 0, sig: 0n }
  if (exp > format.emax || exp < format.emin) {
    env.raise(PE)
    env.roundedUp = exp > 0
    return exp < 0 ? { sign, biased: 0, sig: 0n } : { sign, biased: format.special, sig: INTEGER_BIT }
  }
  return { sign, biased: exp + format.bias, sig }
}
