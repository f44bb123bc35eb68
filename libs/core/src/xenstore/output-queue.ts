import { XENSTORE_PAYLOAD_MAX, XS_WATCH_EVENT } from '../abi/io/xs-wire.ts'
import { encodeMessage } from './message.ts'
import type { Watch } from './watch.ts'

interface Waiting {
  readonly bytes: Uint8Array
  /** Of a watch event: whose, and what tells it from others. */
  readonly watch?: Watch
  readonly key?: string
}

/** Entries already sent that are kept at the head of the list, so that sending one does not move all others. */
const COMPACT_AT = 256

/** Messages to a guest that its ring has had no room for yet, in order. */
export class OutputQueue {
  #waiting: Waiting[] = []
  #next = 0
  /** What is left of the message whose first bytes have been taken. */
  #rest: Uint8Array = new Uint8Array(0)
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
    this.#waiting.push({ bytes })
    this.#replies++
  }

  /**
   * An event that equals one still waiting adds nothing and is left out. One that exceeds a message or `limit` bytes of
   * waiting events is dropped and counted.
   */
  pushEvent(watch: Watch, path: string, limit: number): void {
    const key = `${watch.order}\0${path}`
    if (this.#keys.has(key)) return
    const payload = Buffer.from(`${path}\0${watch.token}\0`, 'latin1')
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

  clear(): void {
    this.#waiting = []
    this.#next = 0
    this.#rest = new Uint8Array(0)
    this.#keys.clear()
    this.#replies = 0
    this.#eventBytes = 0
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
    if (this.#next < this.#waiting.length && this.#next < COMPACT_AT) return
    this.#waiting.splice(0, this.#next)
    this.#next = 0
  }
}
