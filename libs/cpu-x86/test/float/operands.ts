/** Operands at the edges of the formats, mixed with random ones; every run uses the same. */

export class Random {
  #state: bigint

  constructor(seed: bigint) {
    this.#state = seed
  }

  /** splitmix64 */
  bits64(): bigint {
    this.#state = BigInt.asUintN(64, this.#state + 0x9e3779b97f4a7c15n)
    let z = this.#state
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
    return z ^ (z >> 31n)
  }

  below(limit: number): number {
    return Number(this.bits64() % BigInt(limit))
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }
}

/** A significand field of `bits` bits: long runs of ones or zeros, one bit, or random. */
function fraction(random: Random, bits: number): bigint {
  const r = BigInt.asUintN(bits, random.bits64())
  const shift = BigInt(random.below(bits + 1))
  switch (random.below(6)) {
    case 0:
      return 0n
    case 1:
      return (1n << BigInt(bits)) - 1n
    case 2:
      return BigInt.asUintN(bits, 1n << shift)
    case 3:
      return BigInt.asUintN(bits, -1n << shift)
    case 4:
      return (r >> shift) << shift
    default:
      return r
  }
}

/** A biased exponent: an extreme, one near the middle or near an integer's width, or any. */
function exponent(random: Random, bits: number): number {
  const top = (1 << bits) - 1
  const bias = top >> 1
  switch (random.below(8)) {
    case 0:
      return 0
    case 1:
      return top
    case 2:
      return random.below(4)
    case 3:
      return top - random.below(4)
    case 4:
      return bias + random.below(70) - 3
    case 5:
      return random.below(top + 1)
    default:
      return bias + random.below(5) - 2
  }
}

function ieee(random: Random, exponentBits: number, fractionBits: number): bigint {
  const e = BigInt(exponent(random, exponentBits))
  const sign = random.bits64() & 1n
  return (((sign << BigInt(exponentBits)) | e) << BigInt(fractionBits)) | fraction(random, fractionBits)
}

export const single = (random: Random): number => Number(ieee(random, 8, 23))
export const double = (random: Random): bigint => ieee(random, 11, 52)

/** @returns an 80-bit image; one in 12 is an unnormal, a pseudo-denormal or another odd encoding */
export function extended(random: Random): { signExp: number; sig: bigint } {
  const e = exponent(random, 15)
  const f = fraction(random, 63)
  const integer = random.below(12) === 0 ? random.bits64() & 1n : e === 0 ? 0n : 1n
  return { signExp: e | (random.below(2) << 15), sig: (integer << 63n) | f }
}

/** A 64-bit integer of random length and sign. */
export const integer = (random: Random): bigint =>
  BigInt.asIntN(64, fraction(random, 64) * (random.below(2) === 0 ? 1n : -1n)) >> BigInt(random.below(60))
