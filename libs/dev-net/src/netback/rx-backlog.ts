import type { Frame } from '../switch/frame.ts'

/** Bytes that wait for one guest at most: what a TCP window and a half may have on the way. */
const BYTES = 1 << 20

interface Waiting {
  readonly frame: Frame
  /** ns of guest time. */
  readonly since: bigint
  /** Of the store, from where it is free again when this frame has gone. */
  readonly end: number
}

/** Frames for which a guest has no room yet, in one piece of memory that goes round. */
export class RxBacklog {
  #store: Uint8Array | undefined
  readonly #waiting: Waiting[] = []
  /** Where the oldest begins, and where the next goes. */
  #tail = 0
  #head = 0
  #bytes = 0

  /** Bytes of the frames that wait. */
  get bytes(): number {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** Keeps a copy. @returns false if there is no room */
  push(frame: Frame, now: bigint): boolean {
    const { length } = frame.bytes
    const at = this.#room(length)
    if (at === undefined) return false
    this.#store ??= new Uint8Array(BYTES)
    const bytes = this.#store.subarray(at, at + length)
    bytes.set(frame.bytes)
    this.#head = at + length
    this.#bytes += length
    this.#waiting.push({ frame: { ...frame, bytes }, since: now, end: at + length })
    return true
  }

  /** The oldest; not to be used after `shift`. */
  get first(): Waiting | undefined {
    return this.#waiting[0]
  }

  shift(): void {
    const gone = this.#waiting.shift()
    if (gone !== undefined) {
      this.#tail = gone.end
      this.#bytes -= gone.frame.bytes.length
    }
    if (this.isEmpty) {
      this.#tail = 0
      this.#head = 0
    }
  }

  /** Where so many bytes fit in one piece. One byte always stays free, so that full is not empty. */
  #room(length: number): number | undefined {
    const isRound = this.#head < this.#tail
    if (isRound) return this.#head + length < this.#tail ? this.#head : undefined
    if (this.#head + length <= BYTES) return this.#head
    return length < this.#tail ? 0 : undefined
  }
}
