/**
 * Tables for SubBytes of AES by lookups of nibbles. A byte is taken into the tower GF(16)[t] / (t^2 + t + 1/a), where it is i + k t
 * and its inverse is had by inverses in GF(16) alone (M. Hamburg, "Accelerating AES with Vector Permute Instructions", CHES 2009).
 */

/** Product in GF(256) of AES. */
export function multiply(x: number, y: number): number {
  let product = 0
  for (let bit = 0; bit < 8; bit++) {
    if ((y >> bit) & 1) product ^= x << bit
  }
  for (let bit = 15; bit >= 8; bit--) if ((product >> bit) & 1) product ^= 0x11b << (bit - 8)
  return product
}

const inverse = (x: number): number => {
  let power = 1
  for (let n = 0; n < 254; n++) power = multiply(power, x)
  return power
}

const rotate = (x: number, n: number): number => ((x << n) | (x >> (8 - n))) & 255
/** The linear part of SubBytes, and its inverse. */
const affine = (x: number): number => x ^ rotate(x, 1) ^ rotate(x, 2) ^ rotate(x, 3) ^ rotate(x, 4)
const affineInverse = (x: number): number => rotate(x, 1) ^ rotate(x, 3) ^ rotate(x, 6)
/** What SubBytes adds. */
export const AFFINE_CONSTANT = 0x63

const bytes = Array.from({ length: 256 }, (_, n) => n)
/** GF(16) inside GF(256): the 16 roots of x^16 = x, as polynomials in one of order 15. */
const fourth = (x: number): number => multiply(multiply(x, x), multiply(x, x))
const root = bytes.find((x) => x > 1 && (fourth(x) ^ x) === 1) as number
const powers = [1, root, multiply(root, root), multiply(root, multiply(root, root))]
const embed = (nibble: number): number => powers.reduce((sum, p, bit) => sum ^ ((nibble >> bit) & 1 ? p : 0), 0)
const nibbles = Array.from({ length: 16 }, (_, n) => n)
const unembed = new Map(nibbles.map((n) => [embed(n), n]))
const inField = (x: number): number => unembed.get(x) as number

/** t with t^2 + t in GF(16), itself not in it; a is the inverse of that. */
const t = bytes.find((x) => !unembed.has(x) && unembed.has(multiply(x, x) ^ x)) as number
const a = inverse(multiply(t, t) ^ t)

const tower = new Map(
  nibbles.flatMap((i) => nibbles.map((k) => [embed(i) ^ multiply(embed(k), t), (i << 4) | k] as const)),
)
const toTower = (x: number): number => tower.get(x) as number

/** Stands for the inverse of zero: no index of a table, so that what is looked up by it is zero. */
const INFINITY = 0x80
const table = (entry: (nibble: number) => number): Uint8Array => Uint8Array.from(nibbles, entry)

/** 1 / n. */
export const RECIPROCAL: Uint8Array = table((n) => (n === 0 ? INFINITY : inField(inverse(embed(n)))))
/** a / n. */
export const A_OVER: Uint8Array = table((n) => (n === 0 ? INFINITY : inField(multiply(a, inverse(embed(n))))))

/** One direction of the substitution. */
export interface Substitution {
  /** Into the tower, i in the high nibble and k in the low one: by the low and the high nibble of the byte. */
  readonly fromLow: Uint8Array
  readonly fromHigh: Uint8Array
  /** Out of it: by the two nibbles that the inversion leaves. */
  readonly toFirst: Uint8Array
  readonly toSecond: Uint8Array
  /** Added at the end. */
  readonly constant: number
}

function substitution(
  before: (x: number) => number,
  added: number,
  after: (x: number) => number,
  constant: number,
): Substitution {
  const out = (p: number, q: number): number => {
    // With p = 1 / io and q = 1 / jo the inverse is (p + (1 + a) q) / a + (p + q) t.
    const low = multiply(p ^ q ^ multiply(a, q), inverse(a))
    return after(low ^ multiply(p ^ q, t))
  }
  const reciprocal = (n: number): number => inverse(embed(n))
  return {
    fromLow: table((n) => toTower(before(n)) ^ toTower(before(added))),
    fromHigh: table((n) => toTower(before(n << 4))),
    toFirst: table((n) => (n === 0 ? 0 : out(reciprocal(n), 0))),
    toSecond: table((n) => (n === 0 ? 0 : out(0, reciprocal(n)))),
    constant,
  }
}

const identity = (x: number): number => x
export const SUB_BYTES: Substitution = substitution(identity, 0, affine, AFFINE_CONSTANT)
export const INVERSE_SUB_BYTES: Substitution = substitution(affineInverse, AFFINE_CONSTANT, identity, 0)
