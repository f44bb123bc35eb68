/** A range coder in which both values of each bit are equally likely, as all are at first in LZMA. */
const TOP = 1n << 24n
const PROB_BITS = 11n

export class RangeCoder {
  #low = 0n
  #range = 0xffffffffn
  #shifted = 0

  /** Bits of a model, none of which is asked for twice. */
  bits(...values: readonly number[]): this {
    for (const value of values) this.#bit(value, (this.#range >> PROB_BITS) << (PROB_BITS - 1n), false)
    return this
  }

  /** Bits without a model. */
  direct(...values: readonly number[]): this {
    for (const value of values) this.#bit(value, this.#range >> 1n, true)
    return this
  }

  #bit(value: number, half: bigint, isDirect: boolean): void {
    if (value === 1) this.#low += half
    this.#range = value === 1 && !isDirect ? this.#range - half : half
    while (this.#range < TOP) {
      this.#low <<= 8n
      this.#range <<= 8n
      this.#shifted++
    }
  }

  bytes(): number[] {
    const hex = this.#low.toString(16).padStart(2 * (4 + this.#shifted), '0')
    return [0, ...Buffer.from(hex, 'hex')]
  }
}
