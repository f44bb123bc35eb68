/** The three binary formats of x86 and the two forms in which the soft float handles their values. */

export interface FloatFormat {
  /** Significand bits, the integer bit included. */
  readonly precision: number
  /** Smallest exponent of a normal number: the value is 1.f * 2^emin. */
  readonly emin: number
  readonly emax: number
  readonly bias: number
  /** Biased exponent of infinities and NaNs. */
  readonly special: number
}

export const F32: FloatFormat = { precision: 24, emin: -126, emax: 127, bias: 127, special: 0xff }
export const F64: FloatFormat = { precision: 53, emin: -1022, emax: 1023, bias: 1023, special: 0x7ff }
export const F80: FloatFormat = { precision: 64, emin: -16382, emax: 16383, bias: 16383, special: 0x7fff }

export type Kind = 0 | 1 | 2 | 3 | 4 | 5
export const ZERO: Kind = 0
export const FINITE: Kind = 1
export const INF: Kind = 2
export const QNAN: Kind = 3
export const SNAN: Kind = 4
/** x87 only: unnormals, pseudo-NaNs and pseudo-infinities. */
export const UNSUPPORTED: Kind = 5

/**
 * A value taken apart. A finite value is `sig * 2^(exp - 63)` with bit 63 of `sig` set, denormals included.
 * Of a NaN `sig` holds the significand aligned to bit 63 as in the extended format, so that moving a NaN
 * to another format is a truncation.
 */
export interface Unpacked {
  readonly kind: Kind
  readonly sign: number
  readonly exp: number
  readonly sig: bigint
  /** The encoding was a denormal (or an x87 pseudo-denormal). */
  readonly denormal: boolean
}

/** A value ready to be stored: biased exponent, and the significand aligned to bit 63 with its integer bit explicit. */
export interface Packed {
  readonly sign: number
  readonly biased: number
  readonly sig: bigint
}

export const INTEGER_BIT: bigint = 1n << 63n
export const QUIET_BIT: bigint = 1n << 62n

const value = (kind: Kind, sign: number, exp: number, sig: bigint, denormal: boolean): Unpacked => ({
  kind,
  sign,
  exp,
  sig,
  denormal,
})
export const zero = (sign: number): Unpacked => value(ZERO, sign, 0, 0n, false)
export const infinity = (sign: number): Unpacked => value(INF, sign, 0, INTEGER_BIT, false)
/** A finite value from a significand whose bit 63 is set. */
export const finite = (sign: number, exp: number, sig: bigint): Unpacked => value(FINITE, sign, exp, sig, false)
/** The NaN that a masked invalid operation yields: negative, quiet, no payload ("real indefinite"). */
export const DEFAULT_NAN: Unpacked = value(QNAN, 1, 0, INTEGER_BIT | QUIET_BIT, false)

const nan = (sign: number, sig: bigint): Unpacked => value((sig & QUIET_BIT) === 0n ? SNAN : QNAN, sign, 0, sig, false)

export const isNan = (u: Unpacked): boolean => u.kind === QNAN || u.kind === SNAN

export function unpackF32(bits: number): Unpacked {
  const sign = bits >>> 31
  const exp = (bits >>> 23) & 0xff
  const frac = bits & 0x7fffff
  if (exp === 0) {
    if (frac === 0) return zero(sign)
    const shift = Math.clz32(frac) - 8
    return value(FINITE, sign, -126 - shift, BigInt(frac) << BigInt(40 + shift), true)
  }
  const sig = BigInt(frac | 0x800000) << 40n
  if (exp === 0xff) return frac === 0 ? infinity(sign) : nan(sign, sig)
  return value(FINITE, sign, exp - 127, sig, false)
}

export function unpackF64(bits: bigint): Unpacked {
  const hi = Number(bits >> 32n)
  const sign = hi >>> 31
  const exp = (hi >>> 20) & 0x7ff
  const frac = bits & 0xfffffffffffffn
  if (exp === 0) {
    if (frac === 0n) return zero(sign)
    const shift = leadingZeros64(frac)
    return value(FINITE, sign, -1022 - (shift - 11), frac << BigInt(shift), true)
  }
  const sig = (frac << 11n) | INTEGER_BIT
  if (exp === 0x7ff) return frac === 0n ? infinity(sign) : nan(sign, sig)
  return value(FINITE, sign, exp - 1023, sig, false)
}

/** @param signExp the upper 16 bits of the 80-bit image */
export function unpackF80(signExp: number, sig: bigint): Unpacked {
  const sign = (signExp >>> 15) & 1
  const exp = signExp & 0x7fff
  if (exp === 0) {
    if (sig === 0n) return zero(sign)
    const shift = leadingZeros64(sig)
    return value(FINITE, sign, -16382 - shift, sig << BigInt(shift), true)
  }
  if ((sig & INTEGER_BIT) === 0n) return value(UNSUPPORTED, sign, 0, sig, false)
  if (exp === 0x7fff) return sig === INTEGER_BIT ? infinity(sign) : nan(sign, sig)
  return value(FINITE, sign, exp - 16383, sig, false)
}

/** Packs a value that the format holds exactly; a NaN keeps as much of its payload as fits. */
export function packExact(format: FloatFormat, u: Unpacked): Packed {
  if (u.kind === ZERO) return { sign: u.sign, biased: 0, sig: 0n }
  if (u.kind !== FINITE) return { sign: u.sign, biased: format.special, sig: u.sig }
  if (u.exp >= format.emin) return { sign: u.sign, biased: u.exp + format.bias, sig: u.sig }
  return { sign: u.sign, biased: 0, sig: u.sig >> BigInt(format.emin - u.exp) }
}

/** @returns the 32 bits, unsigned */
export const bitsF32 = (p: Packed): number =>
  ((p.sign << 31) | (p.biased << 23) | (Number(p.sig >> 40n) & 0x7fffff)) >>> 0
export const bitsF64 = (p: Packed): bigint =>
  (BigInt((p.sign << 11) | p.biased) << 52n) | ((p.sig >> 11n) & 0xfffffffffffffn)
/** @returns sign and exponent of the 80-bit image; its lower 64 bits are `p.sig` */
export const signExpF80 = (p: Packed): number => (p.sign << 15) | p.biased

/** Leading zeros of a non-zero 64-bit value. */
export function leadingZeros64(v: bigint): number {
  const hi = Number(v >> 32n)
  return hi === 0 ? 32 + Math.clz32(Number(v)) : Math.clz32(hi)
}

const probe = new DataView(new ArrayBuffer(8))

/** Bit length of a positive value of at most 1000 bits. */
export function bitLength(v: bigint): number {
  probe.setFloat64(0, Number(v))
  const length = (probe.getUint16(0) >>> 4) - 1022
  // The conversion may have rounded up to the next power of two.
  return v >> BigInt(length - 1) === 0n ? length - 1 : length
}
