/**
 * f2xm1, fyl2x, fyl2xp1, fpatan, fptan, fsin, fcos, fsincos. Results are the true values rounded once by RC to 64 bits
 * (computed with at least 64 bits to spare); processors are within about one unit in the last place of that, and reduce
 * large angles by a shorter pi.
 */
import { DE } from './environment.ts'
import { constant, exponentialMinusOne, LN2, PI, sineCosine } from './fixed-point.ts'
import type { Packed, Unpacked } from './format.ts'
import { bitLength, F80, finite, INF, packExact, ZERO } from './format.ts'
import { invalid, propagateOne } from './nan.ts'
import { roundPack } from './round.ts'
import { unary } from './x87-arithmetic.ts'
import { C2 } from './x87-state.ts'
import { INDEFINITE, type X87Run, type X87Step } from './x87-step.ts'

/** Fraction bits that keep some 140 significant bits of a value with exponent `exp`. */
const fractionBits = (exp: number): number => 160 - Math.min(exp, 0)

/** Below this exponent the first term of a series, nudged, decides the rounding. */
const TINY = -70

/** The value as fixed point with `f` fraction bits (exact for f >= 63 - exp). */
const toFixed = (a: Unpacked, f: number): bigint => {
  const shift = f + a.exp - 63
  const magnitude = shift >= 0 ? a.sig << BigInt(shift) : a.sig >> BigInt(-shift)
  return a.sign === 1 ? -magnitude : magnitude
}

/** Rounds an irrational fixed-point value, `v / 2^f`, to the extended format. */
export function roundIrrational(x: X87Step, v: bigint, f: number): Packed {
  const magnitude = v < 0n ? -v : v
  const width = bitLength(magnitude)
  const sig = width < 100 ? (magnitude << 100n) | 1n : magnitude | 1n
  return roundPack(x.env, F80, 64, v < 0n ? 1 : 0, width - 1 - f, sig, width < 100 ? width + 100 : width)
}

/** Rounds a value a little further from zero (`away`) or nearer to it than the finite `a`. */
export function roundNextTo(x: X87Step, a: Unpacked, away: boolean): Packed {
  const sig = a.sig << 66n
  const nudged = away ? sig + 1n : sig - 1n
  const width = nudged >> 129n === 0n ? 129 : 130
  return roundPack(x.env, F80, 64, a.sign, a.exp + width - 130, nudged, width)
}

export const f2xm1: X87Run = unary((x, a) => {
  const nan = propagateOne(x.env, a)
  if (nan) return packExact(F80, nan)
  if (a.kind === ZERO) return packExact(F80, a)
  if (a.kind === INF) return packExact(F80, a.sign === 0 ? a : finite(1, 0, 1n << 63n))
  if (a.denormal) x.env.raise(DE)
  // Outside -1 to 1 the result is undefined: processors leave the operand.
  if (a.exp >= 0) return a.exp > 0 || a.sig !== 1n << 63n || a.sign === 0 ? packExact(F80, a) : MINUS_HALF
  if (a.exp < TINY) {
    const product = a.sig * constant(LN2, 200)
    return roundScaled(x, a.sign, product, a.exp - 63 - 200)
  }
  const f = fractionBits(a.exp)
  const t = (toFixed(a, f) * constant(LN2, f)) >> BigInt(f)
  return roundIrrational(x, exponentialMinusOne(t, f), f)
})

const MINUS_HALF: Packed = { sign: 1, biased: F80.bias - 1, sig: 1n << 63n }

/** Rounds the irrational `sig * 2^unit`. */
export function roundScaled(x: X87Step, sign: number, sig: bigint, unit: number): Packed {
  const width = bitLength(sig)
  return roundPack(x.env, F80, 64, sign, unit + width - 1, sig | 1n, width)
}

interface Reduced {
  /** Quarter turn the angle lies in, 0 to 3. */
  readonly quadrant: number
  readonly sin: bigint
  readonly cos: bigint
  readonly f: number
}

/** |a| below 2^63: takes off multiples of pi/2 with as many bits of pi as that needs. */
function reduce(a: Unpacked): Reduced {
  const f = a.exp < 0 ? fractionBits(a.exp) : 300
  const v = toFixed({ ...a, sign: 0 }, f)
  const halfPi = constant(PI, CONSTANT_EXTRA + f) >> 1n
  const wide = v << BigInt(CONSTANT_EXTRA)
  const turns = (2n * wide + halfPi) / (2n * halfPi)
  const rest = (wide - turns * halfPi) >> BigInt(CONSTANT_EXTRA)
  const { sin, cos } = sineCosine(rest, f)
  return { quadrant: Number(turns & 3n), sin, cos, f }
}

/** Bits of pi beyond the fraction, for a multiple of up to 2^63. */
const CONSTANT_EXTRA = 80

function sineOf(x: X87Step, a: Unpacked, r: Reduced): Packed {
  const magnitude = (r.quadrant & 1) === 0 ? r.sin : r.cos
  return roundIrrational(x, (a.sign === 1) === r.quadrant < 2 ? -magnitude : magnitude, r.f)
}

function cosineOf(x: X87Step, r: Reduced): Packed {
  const magnitude = (r.quadrant & 1) === 0 ? r.cos : r.sin
  return roundIrrational(x, r.quadrant === 1 || r.quadrant === 2 ? -magnitude : magnitude, r.f)
}

interface SineCosine {
  readonly sin: Packed
  readonly cos: Packed
  readonly tan: () => Packed
}

const ONE: Packed = { sign: 0, biased: F80.bias, sig: 1n << 63n }
const invalidAngle = (nan: Packed): SineCosine => ({ sin: nan, cos: nan, tan: () => nan })

/** @returns undefined if the angle is out of range, |a| >= 2^63 */
function angle(x: X87Step, a: Unpacked): SineCosine | undefined {
  const nan = propagateOne(x.env, a)
  if (nan) return invalidAngle(packExact(F80, nan))
  if (a.kind === INF) return invalidAngle(packExact(F80, invalid(x.env)))
  if (a.kind === ZERO) return { sin: packExact(F80, a), cos: ONE, tan: () => packExact(F80, a) }
  if (a.exp >= 63) return undefined
  if (a.denormal) x.env.raise(DE)
  if (a.exp < TINY) {
    return {
      get sin() {
        return roundNextTo(x, a, false)
      },
      get cos() {
        return roundNextTo(x, finite(0, 0, 1n << 63n), false)
      },
      tan: () => roundNextTo(x, a, true),
    }
  }
  const r = reduce(a)
  return {
    get sin() {
      return sineOf(x, a, r)
    },
    get cos() {
      return cosineOf(x, r)
    },
    tan: () => {
      const ratio = (r.quadrant & 1) === 0 ? (r.sin << BigInt(r.f)) / r.cos : -(r.cos << BigInt(r.f)) / r.sin
      return roundIrrational(x, a.sign === 1 ? -ratio : ratio, r.f)
    },
  }
}

const trigonometric =
  (which: 'sin' | 'cos'): X87Run =>
  (x) => {
    if (x.isEmpty(0)) {
      if (x.underflow()) x.deliver(0, INDEFINITE)
      x.setCodes(0, C2)
      return
    }
    const result = angle(x, x.read(0))
    x.setCodes(result === undefined ? C2 : 0, C2)
    if (result !== undefined) x.deliver(0, result[which])
  }

export const fsin: X87Run = trigonometric('sin')
export const fcos: X87Run = trigonometric('cos')

/** fptan leaves the tangent in ST(1) under a 1.0; fsincos the sine under the cosine. */
const pushingPair =
  (lower: (s: SineCosine) => Packed, upper: (s: SineCosine) => Packed): X87Run =>
  (x) => {
    x.setCodes(0, C2)
    if (x.isEmpty(0) || !x.isEmpty(7)) {
      const masked = x.isEmpty(0) ? x.underflow() : x.overflow()
      if (masked && x.deliver(0, INDEFINITE)) x.push(INDEFINITE)
      return
    }
    const result = angle(x, x.read(0))
    if (result === undefined) {
      x.setCodes(C2, C2)
      return
    }
    const below = lower(result)
    const above = upper(result)
    if (x.deliver(0, below)) x.push(above)
  }

export const fsincos: X87Run = pushingPair(
  (s) => s.sin,
  (s) => s.cos,
)
export const fptan: X87Run = pushingPair(
  (s) => s.tan(),
  (s) => (s.cos.biased === F80.special ? s.cos : ONE),
)
