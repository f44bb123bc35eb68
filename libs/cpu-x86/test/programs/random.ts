/** Deterministic random numbers (sfc32): programs are a function of their seed, on every host and version. */
export class Random {
  #a = 0
  #b = 0
  #c = 0
  #counter = 1

  constructor(seed: number) {
    this.#a = seed | 0
    this.#b = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b)
    this.#c = 0x2545f491
    for (let n = 0; n < 12; n++) this.bits()
  }

  /** 0 to 2^32 - 1. */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** 0 to n - 1. */
  below(n: number): number {
    return Math.floor((this.bits() / 0x100000000) * n)
  }

  /** From first to last, both included. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1)
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]
  }

  shuffled<T>(from: readonly T[]): T[] {
    const result = [...from]
    for (let n = result.length - 1; n > 0; n--) {
      const other = this.below(n + 1)
      const kept = result[n]
      result[n] = result[other]
      result[other] = kept
    }
    return result
  }

  /** An integer of 32 bits, often at an edge of 8, 16 or 32 bits. */
  word(): number {
    switch (this.below(6)) {
      case 0:
        return this.pick([0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff])
      case 1:
        return this.below(64)
      case 2:
        return -this.below(64) >>> 0
      default:
        return this.bits() >>> this.below(31)
    }
  }

  /** As many bytes of such an integer, least significant first. */
  bytes(count: number): number[] {
    const low = this.word()
    const high = count > 4 ? this.word() : 0
    return Array.from({ length: count }, (_, n) => ((n < 4 ? low : high) >>> (8 * (n & 3))) & 0xff)
  }
}
