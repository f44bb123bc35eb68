import { ensure } from './unpack-error.ts'

const PROB_BITS = 11
const MOVE_BITS = 5
const TOP = 2 ** 24
/** A probability of one half: what every model starts from. */
export const PROB_HALF: number = 1 << (PROB_BITS - 1)

/** The LZMA range decoder over bytes [at, end) of `input`: bits by adaptive probability, and bits of equal chance. */
export class LzmaRange {
  readonly #input: Uint8Array
  #at = 0
  #end = 0
  #range = 0
  #code = 0

  constructor(input: Uint8Array) {
    this.#input = input
  }

  /** Begins a chunk: its first five bytes are a zero and the first code word. */
  begin(at: number, end: number): void {
    ensure(end - at >= 5 && this.#input[at] === 0, 'has a chunk without a range coder start')
    const b = this.#input
    this.#code = ((b[at + 1] << 24) | (b[at + 2] << 16) | (b[at + 3] << 8) | b[at + 4]) >>> 0
    this.#range = 0xffffffff
    this.#at = at + 5
    this.#end = end
  }

  /** Ends a chunk: all of it must have been used. */
  finish(): void {
    this.#normalize()
    ensure(this.#at === this.#end && this.#code === 0, 'has a chunk that ends in the wrong place')
  }

  #normalize(): void {
    if (this.#range >= TOP) return
    ensure(this.#at < this.#end, 'ends within a chunk')
    this.#range = (this.#range << 8) >>> 0
    this.#code = ((this.#code << 8) | this.#input[this.#at++]) >>> 0
  }

  /** One bit by the probability at `index`, which it adapts. */
  bit(probs: Uint16Array, index: number): number {
    this.#normalize()
    const prob = probs[index]
    const bound = (this.#range >>> PROB_BITS) * prob
    if (this.#code < bound) {
      this.#range = bound
      probs[index] = prob + (((1 << PROB_BITS) - prob) >>> MOVE_BITS)
      return 0
    }
    this.#range -= bound
    this.#code -= bound
    probs[index] = prob - (prob >>> MOVE_BITS)
    return 1
  }

  /** `bits` bits, highest first, by a tree of probabilities at `base`. */
  tree(probs: Uint16Array, base: number, bits: number): number {
    let node = 1
    for (let i = 0; i < bits; i++) node = (node << 1) | this.bit(probs, base + node)
    return node - (1 << bits)
  }

  /** `bits` bits, lowest first, by a tree of probabilities at `base`. */
  reverseTree(probs: Uint16Array, base: number, bits: number): number {
    let node = 1
    let value = 0
    for (let i = 0; i < bits; i++) {
      const bit = this.bit(probs, base + node)
      node = (node << 1) | bit
      value |= bit << i
    }
    return value
  }

  /** `bits` bits of equal chance, highest first. */
  direct(bits: number): number {
    let value = 0
    for (let i = 0; i < bits; i++) {
      this.#normalize()
      this.#range >>>= 1
      const bit = this.#code >= this.#range ? 1 : 0
      if (bit) this.#code -= this.#range
      value = ((value << 1) | bit) >>> 0
    }
    return value
  }
}
