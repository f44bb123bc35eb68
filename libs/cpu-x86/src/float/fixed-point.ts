/** Fixed-point series over BigInt: a value v with f fraction bits stands for v / 2^f. Errors stay below 2^-(f - 8). */

/** atan(1/n), for a whole n. */
function inverseTangent(n: bigint, f: number): bigint {
  const square = n * n
  let power = (1n << BigInt(f)) / n
  let sum = power
  for (let k = 3n; power !== 0n; k += 2n) {
    power /= -square
    sum += power / k
  }
  return sum
}

/** atanh(z) for |z| well below 1. */
function areaTangent(z: bigint, f: number): bigint {
  const shift = BigInt(f)
  const square = (z * z) >> shift
  let power = z
  let sum = z
  for (let k = 3n; power !== 0n && power !== -1n; k += 2n) {
    power = (power * square) >> shift
    sum += power / k
  }
  return sum
}

/** Fraction bits of the stored constants. */
export const CONSTANT_BITS = 512

const GUARDED = CONSTANT_BITS + 32
const rounded = (v: bigint): bigint => v >> 32n
export const PI: bigint = rounded(16n * inverseTangent(5n, GUARDED) - 4n * inverseTangent(239n, GUARDED))
const ln2: bigint = 2n * areaTangent((1n << BigInt(GUARDED)) / 3n, GUARDED)
export const LN2: bigint = rounded(ln2)
export const LN10: bigint = rounded(3n * ln2 + 2n * areaTangent((1n << BigInt(GUARDED)) / 9n, GUARDED))

/** A stored constant with `f` fraction bits, at most CONSTANT_BITS. */
export const constant = (v: bigint, f: number): bigint => v >> BigInt(CONSTANT_BITS - f)

/** sin and cos of r, |r| at most about 1. */
export function sineCosine(r: bigint, f: number): { sin: bigint; cos: bigint } {
  const shift = BigInt(f)
  let term = 1n << shift
  let cos = term
  let sin = 0n
  for (let k = 1n; term !== 0n && term !== -1n; k += 1n) {
    term = (term * r) / (k << shift)
    switch (k & 3n) {
      case 0n:
        cos += term
        break
      case 1n:
        sin += term
        break
      case 2n:
        cos -= term
        break
      default:
        sin -= term
    }
  }
  return { sin, cos }
}

/** e^t - 1 for |t| at most about 1. */
export function exponentialMinusOne(t: bigint, f: number): bigint {
  const shift = BigInt(f)
  let term = t
  let sum = t
  for (let k = 2n; term !== 0n && term !== -1n; k += 1n) {
    term = (term * t) / (k << shift)
    sum += term
  }
  return sum
}

/** ln((1 + z) / (1 - z)) = 2 atanh(z). */
export const logarithmOfRatio = (z: bigint, f: number): bigint => 2n * areaTangent(z, f)

/** atan(t) for 0 <= t <= 1: three halvings of the angle, then the series. */
export function arcTangent(t: bigint, f: number): bigint {
  const shift = BigInt(f)
  const one = 1n << shift
  let x = t
  for (let i = 0; i < 3; i++) x = (x << shift) / (one + squareRootFixed(one + ((x * x) >> shift), f))
  const square = (x * x) >> shift
  let power = x
  let sum = x
  for (let k = 3n; power !== 0n; k += 2n) {
    power = -((power * square) >> shift)
    if (power === -1n) break
    sum += power / k
  }
  return sum << 3n
}

function squareRootFixed(v: bigint, f: number): bigint {
  const scaled = v << BigInt(f)
  // Newton from above, starting within 2^-50 of the root.
  const estimate = Math.sqrt(Number(v >> BigInt(f - 52)) / 2 ** 52)
  let root = (BigInt(Math.ceil(estimate * 2 ** 51)) + 1n) << BigInt(f - 51)
  for (;;) {
    const next = (root + scaled / root) >> 1n
    if (next >= root) return root
    root = next
  }
}
