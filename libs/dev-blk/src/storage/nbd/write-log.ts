/** Writes that were answered and that no flush has made durable: copies, to be done again by a server that has lost them. */

export type LoggedWrite = {
  readonly offset: number
  /** Zeroes of this length, or bytes. */
  readonly zeroes?: number
  readonly bytes?: Uint8Array
}

export class WriteLog {
  readonly #bytesMax: number
  readonly #writes = new Map<number, LoggedWrite>()
  #bytes = 0
  #position = 0
  /** Up to here there are writes that found no room. */
  #missing = 0
  #flushed = 0

  /** @param bytesMax that are kept; what is more is given up until a flush */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Grows with each write. */
  get position(): number {
    return this.#position
  }

  /** Every write since the last flush is there. */
  get isWhole(): boolean {
    return this.#missing <= this.#flushed
  }

  get isEmpty(): boolean {
    return this.#writes.size === 0
  }

  /** In the order of their answers. */
  get writes(): readonly LoggedWrite[] {
    return [...this.#writes.values()]
  }

  addBytes(offset: number, buffers: readonly Uint8Array[], length: number): void {
    if (!this.#hasRoom(length)) {
      this.#giveUp()
      return
    }
    const bytes = Buffer.allocUnsafeSlow(length)
    let at = 0
    for (const buffer of buffers) {
      bytes.set(buffer, at)
      at += buffer.length
    }
    this.#add({ offset, bytes }, length)
  }

  addZeroes(offset: number, length: number): void {
    if (this.#hasRoom(1)) this.#add({ offset, zeroes: length }, 1)
    else this.#giveUp()
  }

  /** Whatever was written up to `position` is durable. */
  flushed(position: number): void {
    this.#flushed = Math.max(this.#flushed, position)
    for (const [at, write] of this.#writes) {
      if (at > position) break
      this.#writes.delete(at)
      this.#bytes -= write.bytes?.length ?? 1
    }
  }

  #hasRoom(bytes: number): boolean {
    return this.isWhole && this.#bytes + bytes <= this.#bytesMax
  }

  #add(write: LoggedWrite, bytes: number): void {
    this.#writes.set(++this.#position, write)
    this.#bytes += bytes
  }

  /** A part of them is of no use. */
  #giveUp(): void {
    this.#missing = ++this.#position
    this.#writes.clear()
    this.#bytes = 0
  }
}
