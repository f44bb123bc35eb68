/** Conversions between formats, to and from integers, and rounding to an integral value. */
import type { FloatEnvironment } from './environment.ts'
import { DE, IE, PE } from './environment.ts'
import type { FloatFormat, Packed, Unpacked } from './format.ts'
import { bitLength, FINITE, INF, packExact, ZERO, zero } from './format.ts'
import { operand, propagateOne } from './nan.ts'
import { roundPack, roundsUp } from './round.ts'

export function convertFormat(env: FloatEnvironment, to: FloatFormat, source: Unpacked): Packed {
  const a = operand(env, source)
  const nan = propagateOne(env, a)
  if (nan) return packExact(to, nan)
  if (a.denormal) env.raise(DE)
  if (a.kind !== FINITE) return packExact(to, a)
  return roundPack(env, to, to.precision, a.sign, a.exp, a.sig, 64)
}

/** @param n a signed integer of at most 64 bits */
export function fromInteger(env: FloatEnvironment, to: FloatFormat, n: bigint): Packed {
  if (n === 0n) return packExact(to, zero(0))
  const magnitude = n < 0n ? -n : n
  const width = bitLength(magnitude)
  return roundPack(env, to, to.precision, n < 0n ? 1 : 0, width - 1, magnitude, width)
}

/** The magnitude of a finite value rounded to an integer; sets `env.roundedUp`. */
function integerMagnitude(env: FloatEnvironment, a: Unpacked, rounding: number): { kept: bigint; inexact: boolean } {
  const drop = Math.min(63 - a.exp, 66)
  env.roundedUp = false
  if (drop <= 0) return { kept: a.sig << BigInt(-drop), inexact: false }
  env.roundedUp = roundsUp(rounding, a.sign, a.sig, drop)
  const kept = (a.sig >> BigInt(drop)) + (env.roundedUp ? 1n : 0n)
  return { kept, inexact: BigInt.asUintN(drop, a.sig) !== 0n }
}

/**
 * Converts to a signed integer of `bits` bits.
 * @returns the integer, or undefined (and IE) where the caller must store the integer indefinite, -2^(bits-1)
 */
export function toInteger(env: FloatEnvironment, source: Unpacked, bits: number, rounding: number): bigint | undefined {
  const a = operand(env, source)
  if (a.kind === ZERO) return 0n
  if (a.kind === FINITE && a.exp < 64) {
    const { kept, inexact } = integerMagnitude(env, a, rounding)
    const n = a.sign === 1 ? -kept : kept
    if (BigInt.asIntN(bits, n) === n) {
      if (inexact) env.raise(PE)
      return n
    }
  }
  env.roundedUp = false
  env.raise(IE)
  return undefined
}

/** @param quietPrecision roundss with imm8 bit 3: no PE */
export function roundToIntegral(
  env: FloatEnvironment,
  format: FloatFormat,
  source: Unpacked,
  rounding: number,
  quietPrecision: boolean,
): Packed {
  const a = operand(env, source)
  const nan = propagateOne(env, a)
  if (nan) return packExact(format, nan)
  if (a.kind === ZERO || a.kind === INF || a.exp >= 63) return packExact(format, a)
  const { kept, inexact } = integerMagnitude(env, a, rounding)
  if (inexact && !quietPrecision) env.raise(PE)
  if (kept === 0n) return packExact(format, zero(a.sign))
  const width = bitLength(kept)
  const sig = width > 64 ? kept >> 1n : kept << BigInt(64 - width)
  return packExact(format, { kind: FINITE, sign: a.sign, exp: width - 1, sig, denormal: false })
}
