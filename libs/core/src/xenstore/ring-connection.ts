import {
  XENSTORE_CONNECTED,
  XENSTORE_ERROR_NONE,
  XENSTORE_ERROR_PROTO,
  XENSTORE_ERROR_RINGIDX,
  XENSTORE_RECONNECT,
  XENSTORE_SERVER_FEATURE_ERROR,
  XENSTORE_SERVER_FEATURE_RECONNECTION,
  xenstore_domain_interface,
} from '../abi/io/xs-wire.ts'
import { type ByteRingLayout, RingReader, RingWriter } from '../ring/byte-ring.ts'
import type { SharedPage } from '../ring/shared-page.ts'
import { INCOMPLETE, MessageReader, OVERSIZED, type XsMessage } from './message.ts'
import { OutputQueue } from './output-queue.ts'
import type { Watch } from './watch.ts'

const { req, rsp, req_cons, req_prod, rsp_cons, rsp_prod, server_features, connection, error } =
  xenstore_domain_interface
const REQUESTS: ByteRingLayout = { data: req.offset, size: req.length, cons: req_cons.offset, prod: req_prod.offset }
const REPLIES: ByteRingLayout = { data: rsp.offset, size: rsp.length, cons: rsp_cons.offset, prod: rsp_prod.offset }

/** Bytes of requests one poke reads before it lets others run. */
const POKE_BYTES = 8192

/** What the connection serves requests with. */
export interface RingConnectionServer {
  serve(message: XsMessage): Uint8Array
  /** Drops the watches and transactions of this client. */
  reset(): void
  /** Bytes of watch events that may wait for the guest. */
  eventBytes(): number
  /** Replies that may wait for room in the ring; then no request is read. */
  outstanding(): number
  /** Calls its argument soon, from the event loop. */
  defer(task: () => void): void
}

/** A guest's connection to the store: the ring in its store page and the event channel bound to it. */
export class RingConnection {
  readonly #page: SharedPage
  readonly #notify: () => void
  readonly #server: RingConnectionServer
  readonly #requests: RingReader
  readonly #replies: RingWriter
  readonly #reader = new MessageReader()
  readonly #output = new OutputQueue()
  #stopped: string | undefined
  #flushing = false
  #closed = false

  /** @param notify sends the event of the store channel to the guest */
  constructor(page: SharedPage, notify: () => void, server: RingConnectionServer) {
    this.#page = page
    this.#notify = notify
    this.#server = server
    this.#requests = new RingReader(page, REQUESTS)
    this.#replies = new RingWriter(page, REPLIES)
    this.#store(server_features.offset, XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR)
    this.#store(connection.offset, XENSTORE_CONNECTED)
    this.#store(error.offset, XENSTORE_ERROR_NONE)
  }

  /** Why nothing is read from the ring any more: the guest broke the protocol. It may still reconnect. */
  get stopped(): string | undefined {
    return this.#stopped
  }

  /** Replies that wait for room in the ring. */
  get outstanding(): number {
    return this.#output.replies
  }

  /** Watch events the guest lost because it does not read them. */
  get droppedEvents(): number {
    return this.#output.droppedEvents
  }

  /** The guest has sent the event: it wrote requests, took replies, or wants to reconnect. */
  poke(): void {
    if (this.#closed) return
    if (this.#load(connection.offset) === XENSTORE_RECONNECT) this.#reconnect()
    let budget = POKE_BYTES
    let moved = this.#flush()
    while (!this.#stopped && this.#output.replies < this.#server.outstanding()) {
      const count = this.#receive()
      if (count === 0) break
      moved = true
      this.#flush()
      budget -= count
      if (budget > 0) continue
      this.#server.defer(() => this.poke())
      break
    }
    if (moved) this.#notify()
  }

  /** Sends a watch event, unless the same one waits already. */
  sendEvent(watch: Watch, path: string): void {
    if (this.#stopped || this.#closed) return
    this.#output.pushEvent(watch, path, this.#server.eventBytes())
    if (this.#flushing) return
    this.#flushing = true
    this.#server.defer(() => {
      this.#flushing = false
      if (!this.#closed && this.#flush()) this.#notify()
    })
  }

  /** The domain is released: nothing touches its page any more. */
  close(): void {
    this.#closed = true
    this.#output.clear()
  }

  /** Reads at most to the end of the message. Returns the bytes read. */
  #receive(): number {
    const available = this.#requests.available()
    if (available === undefined) {
      this.#stop(XENSTORE_ERROR_RINGIDX, 'request producer index out of range')
      return 0
    }
    const { room } = this.#reader
    const count = Math.min(available, room.length)
    if (count === 0) return 0
    this.#requests.read(room, count)
    const message = this.#reader.advance(count)
    if (message === OVERSIZED) this.#stop(XENSTORE_ERROR_PROTO, 'message longer than XENSTORE_PAYLOAD_MAX')
    else if (message !== INCOMPLETE) this.#output.pushReply(this.#server.serve(message))
    return count
  }

  /** Puts into the ring what it has room for. Returns whether it put anything. */
  #flush(): boolean {
    let moved = false
    while (!this.#stopped && !this.#output.empty) {
      const space = this.#replies.space()
      if (space === undefined) this.#stop(XENSTORE_ERROR_RINGIDX, 'reply consumer index out of range')
      if (!space) break
      this.#replies.write(this.#output.take(space))
      moved = true
    }
    return moved
  }

  #stop(code: number, reason: string): void {
    this.#stopped = reason
    this.#forget()
    this.#store(error.offset, code)
    this.#notify()
  }

  /** The guest asks for a fresh ring: indices to zero, nothing pending, no watches or transactions. */
  #reconnect(): void {
    this.#forget()
    for (const offset of [REQUESTS.cons, REQUESTS.prod, REPLIES.cons, REPLIES.prod]) this.#store(offset, 0)
    this.#requests.reload()
    this.#replies.reload()
    this.#stopped = undefined
    this.#store(error.offset, XENSTORE_ERROR_NONE)
    this.#store(connection.offset, XENSTORE_CONNECTED)
    this.#notify()
  }

  #forget(): void {
    this.#server.reset()
    this.#reader.reset()
    this.#output.clear()
  }

  #load(offset: number): number {
    return Atomics.load(this.#page.words, offset >> 2)
  }

  #store(offset: number, value: number): void {
    Atomics.store(this.#page.words, offset >> 2, value)
    this.#page.commit(offset, 4)
  }
}
