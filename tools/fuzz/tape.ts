/**
 * Choices read from bytes: what a fuzzer of structures or of acts takes as its input. Past the end every choice is the
 * first one, so cutting a tape short, or zeroing it, makes the case simpler: that is how cases are shrunk.
 */
export class Tape {
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0
  #end = 0

  open(bytes: Uint8Array, from = 0, to: number = bytes.length): this {
    this.#bytes = bytes
    this.#at = from
    this.#end = to
    return this
  }

  byte(): number {
    return this.#at < this.#end ? this.#bytes[this.#at++]! : 0
  }

  /** One of up to 256 choices, one byte; of more, two; of more than 65536, four. */
  below(below: number): number {
    if (below <= 256) return this.byte() % below
    const low = this.byte() | (this.byte() << 8)
    if (below <= 65_536) return low % below
    return ((low | (this.byte() << 16) | (this.byte() << 24)) >>> 0) % below
  }

  u32(): number {
    return (this.byte() | (this.byte() << 8) | (this.byte() << 16) | (this.byte() << 24)) >>> 0
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.byte())
  }
}
