/** fadd to fdivr, fsqrt, frndint, fscale, fxtract, fprem, fprem1, fabs, fchs. */
import type { Binary } from './arithmetic.ts'
import { squareRoot } from './arithmetic.ts'
import { roundToIntegral } from './convert.ts'
import { DE, ZE } from './environment.ts'
import type { Packed, Unpacked } from './format.ts'
import { bitLength, F80, FINITE, INF, infinity, packExact, ZERO, zero } from './format.ts'
import { invalid, noteDenormals, propagateNan, propagateOne } from './nan.ts'
import { roundPack } from './round.ts'
import { fromExactInteger, type Source } from './x87-operands.ts'
import { C0, C2, C3, ST } from './x87-state.ts'
import { INDEFINITE, type X87Run, type X87Step } from './x87-step.ts'

/** ST(0) op memory, or memory op ST(0) if `reversed`. */
export const arithmeticMemory =
  (source: Source, op: Binary, reversed: boolean): X87Run =>
  (x) => {
    if (x.isEmpty(0)) {
      if (x.underflow()) x.deliver(0, INDEFINITE)
      return
    }
    const a = x.read(0)
    const b = source.read(x.memory)
    x.deliver(0, reversed ? op(x.env, F80, x.precision, b, a) : op(x.env, F80, x.precision, a, b))
  }

/**
 * ST(0) op ST(i), or ST(i) op ST(0) if `reversed`; the result goes to ST(i) if `toIndex`.
 * The opcodes mean the same order of operands whatever the destination; only Intel's names differ.
 */
export const arithmeticRegister =
  (op: Binary, reversed: boolean, toIndex: boolean, pops: boolean): X87Run =>
  (x) => {
    const i = x.index
    const destination = toIndex ? i : 0
    let result = INDEFINITE
    if (x.isEmpty(0) || x.isEmpty(i)) x.underflow()
    else if (reversed) result = op(x.env, F80, x.precision, x.read(i), x.read(0))
    else result = op(x.env, F80, x.precision, x.read(0), x.read(i))
    if (x.deliver(destination, result) && pops) x.pop()
  }

/** An operation on ST(0) alone. */
export const unary =
  (op: (x: X87Step, a: Unpacked) => Packed): X87Run =>
  (x) => {
    if (x.isEmpty(0)) {
      if (x.underflow()) x.deliver(0, INDEFINITE)
    } else x.deliver(0, op(x, x.read(0)))
  }

/** An operation on ST(0) and ST(1) with its result in ST(0). */
const binaryTop = (op: (x: X87Step, a: Unpacked, b: Unpacked) => Packed): X87Run => {
  return (x) => {
    if (x.isEmpty(0) || x.isEmpty(1)) {
      if (x.underflow()) x.deliver(0, INDEFINITE)
    } else x.deliver(0, op(x, x.read(0), x.read(1)))
  }
}

export const fsqrt: X87Run = unary((x, a) => squareRoot(x.env, F80, x.precision, a))

export const frndint: X87Run = unary((x, a) => {
  if (a.denormal) x.env.raise(DE)
  return roundToIntegral(x.env, F80, a, x.env.rounding, false)
})

/** fabs and fchs touch the sign bit of whatever encoding is there. */
export const changeSign =
  (change: (byte: number) => number): X87Run =>
  (x) => {
    if (x.isEmpty(0)) {
      if (x.underflow()) x.deliver(0, INDEFINITE)
    } else x.state.setUint8(ST + 9, change(x.state.getUint8(ST + 9)))
  }

/** More than any difference of exponents, wrapped results included. */
const SCALE_LIMIT = 0x10000

export const fscale: X87Run = binaryTop((x, a, b) => {
  const nan = propagateNan(x.env, a, b)
  if (nan) return packExact(F80, nan)
  if (b.kind === INF) {
    if (a.kind === (b.sign === 1 ? INF : ZERO)) return packExact(F80, invalid(x.env))
    noteDenormals(x.env, a, b)
    if (a.kind === INF || a.kind === ZERO) return packExact(F80, a)
    return packExact(F80, b.sign === 1 ? zero(a.sign) : infinity(a.sign))
  }
  noteDenormals(x.env, a, b)
  if (a.kind !== FINITE) return packExact(F80, a)
  const n = truncated(b)
  return roundPack(x.env, F80, 64, a.sign, a.exp + n, a.sig, 64)
})

function truncated(b: Unpacked): number {
  if (b.kind === ZERO || b.exp < 0) return 0
  const magnitude = b.exp > 16 ? SCALE_LIMIT : Math.min(Number(b.sig >> BigInt(63 - b.exp)), SCALE_LIMIT)
  return b.sign === 1 ? -magnitude : magnitude
}

/** ST(0) becomes the exponent, and the significand is pushed. */
export const fxtract: X87Run = (x) => {
  if (x.isEmpty(0) || !x.isEmpty(-1 & 7)) {
    const masked = x.isEmpty(0) ? x.underflow() : x.overflow()
    if (masked && x.deliver(0, INDEFINITE)) x.push(INDEFINITE)
    return
  }
  const a = x.read(0)
  const { exponent, significand } = extract(x, a)
  if (x.deliver(0, exponent)) x.push(significand)
}

function extract(x: X87Step, a: Unpacked): { exponent: Packed; significand: Packed } {
  const nan = propagateOne(x.env, a)
  if (nan) return { exponent: packExact(F80, nan), significand: packExact(F80, nan) }
  const same = packExact(F80, a)
  if (a.kind === INF) return { exponent: packExact(F80, infinity(0)), significand: same }
  if (a.kind === ZERO) {
    x.env.raise(ZE)
    return { exponent: packExact(F80, infinity(1)), significand: same }
  }
  if (a.denormal) x.env.raise(DE)
  return {
    exponent: packExact(F80, fromExactInteger(BigInt(a.exp))),
    significand: { ...same, biased: F80.bias, sig: a.sig },
  }
}

/** @param nearest fprem1: the quotient is rounded to nearest even rather than truncated */
export const remainder = (nearest: boolean): X87Run => {
  const run = remainderTop(nearest)
  return (x) => {
    x.setCodes(0, C2)
    run(x)
  }
}

const remainderTop = (nearest: boolean): X87Run =>
  binaryTop((x, a, b) => {
    const nan = propagateNan(x.env, a, b)
    if (nan) return packExact(F80, nan)
    if (a.kind === INF || b.kind === ZERO) return packExact(F80, invalid(x.env))
    noteDenormals(x.env, a, b)
    if (x.env.stopped) return INDEFINITE
    const distance = a.exp - b.exp
    if (a.kind === ZERO || b.kind === INF || distance < -1) {
      setQuotient(x, 0)
      return a.kind === FINITE ? roundPack(x.env, F80, 64, a.sign, a.exp, a.sig, 64) : packExact(F80, a)
    }
    // A partial remainder leaves 64 or more to go: SDM lets it reduce the exponent by 32 to 63.
    const partial = distance >= 64
    const reduction = partial ? partialReduction(distance) : distance
    const dividend = reduction < 0 ? a.sig : a.sig << BigInt(reduction)
    const divisor = reduction < 0 ? b.sig << 1n : b.sig
    const unit = reduction < 0 ? a.exp : b.exp + distance - reduction
    let quotient = dividend / divisor
    let rest = dividend % divisor
    let sign = a.sign
    if (nearest && !partial && (2n * rest > divisor || (2n * rest === divisor && (quotient & 1n) === 1n))) {
      rest = divisor - rest
      quotient += 1n
      sign ^= 1
    }
    if (partial) x.setCodes(C2)
    else setQuotient(x, Number(quotient & 7n))
    if (rest === 0n) return packExact(F80, zero(a.sign))
    const shift = rest >> 63n === 0n ? 64 - bitLength(rest) : 0
    return roundPack(x.env, F80, 64, sign, unit - shift, rest << BigInt(shift), 64)
  })

const partialReduction = (distance: number): number => 32 + (distance & 31)

/** The three low bits of the quotient: C0 is bit 2, C3 bit 1, C1 bit 0. */
function setQuotient(x: X87Step, q: number): void {
  x.setCodes(((q & 4) === 0 ? 0 : C0) | ((q & 2) === 0 ? 0 : C3))
  x.setC1((q & 1) === 1)
}
