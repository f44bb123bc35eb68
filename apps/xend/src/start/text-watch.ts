/** Waits for a text in a stream of bytes, of which it may come in pieces. */
export class TextWatch {
  readonly #wanted: Buffer
  #tail: Uint8Array = new Uint8Array(0)
  #found = false

  /** @param wanted not empty */
  constructor(wanted: string) {
    this.#wanted = Buffer.from(wanted)
  }

  /** Takes the next bytes; true exactly once, when the text is complete. */
  push(bytes: Uint8Array): boolean {
    if (this.#found) return false
    const seen = Buffer.concat([this.#tail, bytes])
    this.#found = seen.includes(this.#wanted)
    this.#tail = seen.subarray(Math.max(0, seen.length - this.#wanted.length + 1))
    return this.#found
  }
}
