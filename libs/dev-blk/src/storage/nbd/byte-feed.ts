/** A socket's bytes for a parser that is a generator: it asks for bytes, or for buffers to be filled. */

/** So many bytes in one piece, good until the next wish; or the buffers filled, one after another. */
export type Wish = number | readonly Uint8Array[]
export type Parser = Generator<Wish, void, Uint8Array>

/** More than any header, and enough replies for a turn. */
const STAGE_BYTES = 256 << 10
/** From here on bytes go straight to where they belong: below, a system call costs more than the copy. */
const STRAIGHT_BYTES = 16 << 10

const NOTHING = new Uint8Array(0)

/** Call {@link place} for where the next bytes go, then {@link filled} with how many there are. */
export class ByteFeed {
  readonly #parser: Parser
  readonly #stage = new Uint8Array(STAGE_BYTES)
  #from = 0
  #to = 0
  #wish: Wish = 0
  /** Of a wish for buffers: the first that is not full, and what it has. */
  #piece = 0
  #inPiece = 0
  #straight = false
  #ended = false

  constructor(parser: Parser) {
    this.#parser = parser
    this.#advance(NOTHING)
  }

  /** Nobody asks for more. */
  get ended(): boolean {
    return this.#ended
  }

  place(): Uint8Array {
    const rest = this.#restOfPiece()
    this.#straight = this.#from === this.#to && rest !== undefined && rest.length >= STRAIGHT_BYTES
    if (this.#straight) return rest!
    if (this.#from > 0) {
      this.#stage.copyWithin(0, this.#from, this.#to)
      this.#to -= this.#from
      this.#from = 0
    }
    return this.#stage.subarray(this.#to)
  }

  /** @throws what the parser throws */
  filled(count: number): void {
    if (this.#straight) this.#inPiece += count
    else this.#to += count
    while (!this.#ended && this.#satisfy()) {}
  }

  #satisfy(): boolean {
    if (typeof this.#wish === 'number') {
      if (this.#to - this.#from < this.#wish) return false
      const bytes = this.#stage.subarray(this.#from, this.#from + this.#wish)
      this.#from += this.#wish
      this.#advance(bytes)
      return true
    }
    for (let rest = this.#restOfPiece(); rest !== undefined; rest = this.#restOfPiece()) {
      const count = Math.min(rest.length, this.#to - this.#from)
      if (count === 0) return false
      rest.set(this.#stage.subarray(this.#from, this.#from + count))
      this.#from += count
      this.#inPiece += count
    }
    this.#advance(NOTHING)
    return true
  }

  #restOfPiece(): Uint8Array | undefined {
    if (typeof this.#wish === 'number') return undefined
    while (this.#piece < this.#wish.length && this.#inPiece === this.#wish[this.#piece]!.length) {
      this.#piece++
      this.#inPiece = 0
    }
    return this.#wish[this.#piece]?.subarray(this.#inPiece)
  }

  #advance(bytes: Uint8Array): void {
    const { done, value } = this.#parser.next(bytes)
    this.#ended = done === true
    this.#wish = value ?? 0
    this.#piece = 0
    this.#inPiece = 0
  }
}
