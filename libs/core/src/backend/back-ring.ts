import { SRING_ENTRIES, sring } from '../abi/io/ring.ts'
import { bugOn } from '../errors.ts'
import { PAGE_SIZE, type SharedPage } from '../ring/shared-page.ts'

const REQ_PROD = sring.req_prod.offset >> 2
const REQ_EVENT = sring.req_event.offset >> 2
const RSP_PROD = sring.rsp_prod.offset >> 2
const RSP_EVENT = sring.rsp_event.offset >> 2
/** Our indices: of requests taken, of answers put in the ring, and of those shown. They wrap around. */
const [TAKEN, ANSWERED, PUBLISHED] = [0, 1, 2] as const
export const RING_INDICES = 3

/**
 * The back end's half of a shared ring (xen/io/ring.h) over one page or several. Our own indices are kept here and only ever
 * stored to the ring; a request is copied out before anything of it is looked at.
 */
export class BackRing {
  /** Entries, a power of two. */
  readonly size: number
  readonly #pages: readonly SharedPage[]
  readonly #head: SharedPage
  readonly #entryBytes: number
  readonly #indices: Int32Array

  /**
   * @param entryBytes size of an entry: of the larger one of request and response
   * @param indices of a ring that several threads serve, one at a time: shared memory, of the length of {@link RING_INDICES}
   * @param joins another thread has it already
   */
  constructor(
    pages: readonly SharedPage[],
    entryBytes: number,
    indices: Int32Array = new Int32Array(RING_INDICES),
    joins: boolean = false,
  ) {
    bugOn(pages.length === 0, 'a ring without a page')
    this.#pages = pages
    this.#head = pages[0] as SharedPage
    this.#entryBytes = entryBytes
    this.#indices = indices
    this.size = ringEntries(pages.length, entryBytes)
    // A ring that was in use before begins where its answers ended.
    if (!joins) indices.fill(this.#load(RSP_PROD))
  }

  get #taken(): number {
    return this.#indices[TAKEN] as number
  }

  set #taken(index: number) {
    this.#indices[TAKEN] = index
  }

  get #answered(): number {
    return this.#indices[ANSWERED] as number
  }

  set #answered(index: number) {
    this.#indices[ANSWERED] = index
  }

  /** Requests that were taken and not answered. */
  get outstanding(): number {
    return (this.#taken - this.#answered) >>> 0
  }

  /**
   * Requests that wait at this moment; undefined if the guest's index is impossible, after which the ring is not to be used. No more
   * than there are entries are ever taken and not answered.
   */
  waiting(): number | undefined {
    const produced = this.#load(REQ_PROD)
    if ((produced - this.#answered) >>> 0 > this.size) return undefined
    return (produced - this.#taken) >>> 0
  }

  /** Copies the next request. Only if one waits. @param into as many bytes as are wanted of an entry */
  take(into: Uint8Array): void {
    this.#copy(this.#taken, into, false)
    this.#taken++
  }

  /** Leaves the requests that were taken last for later. They have had no answer. */
  putBack(count = 1): void {
    bugOn(count > this.outstanding, 'more requests are put back than were taken')
    this.#taken -= count
  }

  /** Asks for an event with the next request. @returns false if one came meanwhile */
  sleep(): boolean {
    return this.sleepUntil(1)
  }

  /** As `sleep`, with the `more`th request from now on: for rings whose requests are room that is not wanted yet. */
  sleepUntil(more: number): boolean {
    this.#store(REQ_EVENT, (this.#taken + more) >>> 0)
    const waiting = this.waiting()
    return waiting !== undefined && waiting < more
  }

  /** Puts an answer in the ring, which the guest sees by `publish`. */
  answer(response: Uint8Array): void {
    bugOn(this.outstanding === 0, 'a ring has more answers than requests')
    this.#copy(this.#answered, response, true)
    this.#answered++
  }

  /** Shows the guest all answers. @returns whether it wants an event for them */
  publish(): boolean {
    const before = this.#indices[PUBLISHED] as number
    const answered = this.#answered
    if (before === answered) return false
    this.#indices[PUBLISHED] = answered
    this.#store(RSP_PROD, answered)
    const event = this.#load(RSP_EVENT)
    return (answered - event) >>> 0 < (answered - before) >>> 0
  }

  #copy(index: number, bytes: Uint8Array, toRing: boolean): void {
    let at = SRING_ENTRIES + (index & (this.size - 1)) * this.#entryBytes
    for (let done = 0; done < bytes.length; ) {
      const page = this.#pages[at >>> 12] as SharedPage
      const inPage = at & (PAGE_SIZE - 1)
      const count = Math.min(bytes.length - done, PAGE_SIZE - inPage)
      if (toRing) {
        page.bytes.set(bytes.subarray(done, done + count), inPage)
        page.commit(inPage, count)
      } else bytes.set(page.bytes.subarray(inPage, inPage + count), done)
      done += count
      at += count
    }
  }

  #load(word: number): number {
    return Atomics.load(this.#head.words, word) >>> 0
  }

  #store(word: number, value: number): void {
    Atomics.store(this.#head.words, word, value | 0)
    this.#head.commit(word << 2, 4)
  }
}

/** Entries of a ring of so many pages: a power of two. */
export function ringEntries(pages: number, entryBytes: number): number {
  return 1 << (31 - Math.clz32(Math.floor((pages * PAGE_SIZE - SRING_ENTRIES) / entryBytes)))
}
