/** A small generator of repeatable pseudo-random numbers (xorshift32). */
export class Prng {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1
  }

  /** An integer in [0, below). */
  below(below: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % below
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T
  }
}
