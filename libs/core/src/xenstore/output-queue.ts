import { XENSTORE_PAYLOAD_MAX, XS_WATCH_EVENT } from '../abi/io/xs-wire.ts'
import { encodeMessage } from './message.ts'
import type { Watch } from './watch.ts'

interface Waiting {
  readonly bytes: Uint8Array
  /** Of a watch event: whose, and what tells it from others. */
  readonly watch: Watch | undefined
  readonly key: string | undefined
}

const NOTHING = new Uint8Array(0)

/** Entries already sent that are kept at the head of the list, so that sending one does not move all others. */
const COMPACT_AT = 256

/** Messages to a guest that its ring has had no room for yet, in order. */
export class OutputQueue {
  #waiting: Waiting[] = []
  #next = 0
  /** What is left of the message whose first bytes have been taken. */
  #rest: Uint8Array = NOTHING
  #keys = new Set<string>()
  #replies = 0
  #eventBytes = 0
  #droppedEvents = 0

  /** How many are replies, not counting one that has been started. */
  get replies(): number {
    return this.#replies
  }

  get droppedEvents(): number {
    return this.#droppedEvents
  }

  get empty(): boolean {
    this.#refill()
    return this.#rest.length === 0
  }

  pushReply(bytes: Uint8Array): void {
    if (this.#rest.length === 0 && this.#waiting.length === 0) {
      this.#rest = bytes
      return
    }
    this.#waiting.push({ bytes, watch: undefined, key: undefined })
    this.#replies++
  }

  /**
   * An event that equals one still waiting adds nothing and is left out. One that exceeds a message or `limit` bytes of
   * waiting events is dropped and counted.
   */
  pushEvent(watch: Watch, path: string, limit: number): void {
    const key = `${watch.order}\0${path}`
    if (this.#keys.has(key)) return
    const payload = `${path}\0${watch.token}\0`
    if (payload.length > XENSTORE_PAYLOAD_MAX || this.#eventBytes + payload.length > limit) {
      this.#droppedEvents++
      return
    }
    const bytes = encodeMessage({ type: XS_WATCH_EVENT, reqId: 0, txId: 0, payload })
    this.#waiting.push({ bytes, watch, key })
    this.#keys.add(key)
    this.#eventBytes += bytes.length
  }

  /** The next bytes of the stream, at least one unless `empty`. @param count at most so many, more than 0 */
  take(count: number): Uint8Array {
    this.#refill()
    const bytes = this.#rest.subarray(0, count)
    this.#rest = this.#rest.subarray(count)
    return bytes
  }

  /** The next messages together, nothing if `empty`. @param enough not another one from so many bytes on */
  takeAll(enough: number): Uint8Array {
    const first = this.#takeRest()
    if (this.empty) return first
    const parts = [first]
    for (let bytes = first.length; bytes < enough && !this.empty; )
      bytes += parts[parts.push(this.#takeRest()) - 1]!.length
    return Buffer.concat(parts)
  }

  clear(): void {
    this.#waiting = []
    this.#next = 0
    this.#rest = NOTHING
    this.#keys.clear()
    this.#replies = 0
    this.#eventBytes = 0
  }

  #takeRest(): Uint8Array {
    this.#refill()
    const rest = this.#rest
    this.#rest = NOTHING
    return rest
  }

  /** Starts the next message when one is done; events of watches that are gone are skipped. */
  #refill(): void {
    while (this.#rest.length === 0 && this.#next < this.#waiting.length) {
      const { bytes, watch, key } = this.#waiting[this.#next++]!
      if (key === undefined) {
        this.#replies--
      } else {
        this.#keys.delete(key)
        this.#eventBytes -= bytes.length
      }
      if (!watch || watch.active) this.#rest = bytes
    }
    if (this.#next === this.#waiting.length) this.#waiting.length = 0
    else if (this.#next < COMPACT_AT) return
    else this.#waiting.splice(0, this.#next)
    this.#next = 0
  }
}
