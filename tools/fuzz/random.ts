/** Random numbers that are the same for a seed and a number of a case, on every machine (sfc32). */
export class Random {
  #a = 0
  #b = 0
  #c = 0
  #count = 1

  /** @param seed of the run; @param number of the case: each has a stream of its own */
  constructor(seed: number, number: number) {
    this.restart(seed, number)
  }

  restart(seed: number, number: number): void {
    this.#a = seed | 0
    this.#b = number | 0
    this.#c = Math.floor(number / 0x1_0000_0000) ^ 0x9e3779b9
    this.#count = 1
    for (let round = 0; round < 12; round++) this.u32()
  }

  u32(): number {
    const t = (this.#a + this.#b + this.#count) | 0
    this.#count = (this.#count + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t
    return t >>> 0
  }

  /** An integer in [0, below). */
  below(below: number): number {
    return this.u32() % below
  }

  pick<T>(from: readonly T[]): T {
    return from[this.u32() % from.length] as T
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.u32() % times === 0
  }

  fill(bytes: Uint8Array): Uint8Array {
    const whole = bytes.length & ~3
    for (let at = 0; at < whole; at += 4) {
      const word = this.u32()
      bytes[at] = word
      bytes[at + 1] = word >>> 8
      bytes[at + 2] = word >>> 16
      bytes[at + 3] = word >>> 24
    }
    for (let at = whole; at < bytes.length; at++) bytes[at] = this.u32()
    return bytes
  }
}
