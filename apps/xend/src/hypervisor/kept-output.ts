/** The last of a stream of bytes, in blocks: a guest that writes byte by byte costs no more than another. */
export const KEPT_BLOCK = 65_536

export class KeptOutput {
  readonly #most: number
  readonly #blocks: Buffer[] = []
  /** Bytes in the last block. */
  #filled = KEPT_BLOCK

  /** @param blocks of 64 KiB, of which the oldest goes when another is needed */
  constructor(blocks: number) {
    this.#most = blocks
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#filled === KEPT_BLOCK) this.#next()
      const count = Math.min(KEPT_BLOCK - this.#filled, bytes.length - at)
      ;(this.#blocks.at(-1) as Buffer).set(bytes.subarray(at, at + count), this.#filled)
      this.#filled += count
      at += count
    }
  }

  /** A copy, in pieces. */
  pieces(): readonly Buffer[] {
    const last = this.#blocks.length - 1
    return this.#blocks.map((block, n) => Buffer.from(block.subarray(0, n === last ? this.#filled : KEPT_BLOCK)))
  }

  #next(): void {
    const block = this.#blocks.length < this.#most ? Buffer.allocUnsafe(KEPT_BLOCK) : (this.#blocks.shift() as Buffer)
    this.#blocks.push(block)
    this.#filled = 0
  }
}
