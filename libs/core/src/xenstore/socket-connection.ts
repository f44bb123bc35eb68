/** A program of the host at the store: the wire protocol on a unix socket, with domain 0's rights. */
import type { Socket } from 'node:net'
import { MessageReader, OVERSIZED, type XsMessage } from './message.ts'
import { OutputQueue } from './output-queue.ts'
import type { Watch } from './watch.ts'

/** Bytes on their way to a client that does not take them: from then on its requests wait. */
const BACKLOG = 65_536
/** Bytes of watch events that wait for a client. */
const EVENT_BACKLOG = 8 << 20
/** Handed to the socket at a time. */
const CHUNK = 65_536

export interface SocketConnectionServer {
  serve(message: XsMessage): Uint8Array
  /** The client is gone: drops its watches and transactions. */
  gone(): void
}

export class SocketConnection {
  readonly #socket: Socket
  readonly #server: SocketConnectionServer
  readonly #reader = new MessageReader()
  readonly #output = new OutputQueue()
  /** Not in the output yet. */
  #events: { readonly watch: Watch; readonly path: string }[] = []
  #scheduled = false
  /** Its requests wait until it has taken what is there for it. */
  #held = false

  constructor(socket: Socket, server: SocketConnectionServer) {
    this.#socket = socket
    this.#server = server
    socket.on('data', (bytes) => this.#receive(bytes))
    socket.on('drain', () => this.#flush())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => server.gone())
  }

  /** Sends a watch event, unless the same one waits already. Those of a request come after its answer. */
  sendEvent(watch: Watch, path: string): void {
    this.#events.push({ watch, path })
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #receive(bytes: Buffer): void {
    if (this.#reader.read(bytes, this.#answer) === OVERSIZED) this.#socket.destroy()
    else this.#flush()
  }

  readonly #answer = (message: XsMessage): void => {
    this.#queueEvents()
    this.#output.pushReply(this.#server.serve(message))
    this.#queueEvents()
  }

  #queueEvents(): void {
    for (const { watch, path } of this.#events) this.#output.pushEvent(watch, path, EVENT_BACKLOG)
    if (this.#events.length > 0) this.#events = []
  }

  #flush(): void {
    this.#queueEvents()
    while (this.#socket.writableLength < BACKLOG) {
      const bytes = this.#output.takeAll(CHUNK)
      if (bytes.length === 0) break
      this.#socket.write(bytes)
    }
    if (this.#held === !this.#output.empty) return
    this.#held = !this.#held
    if (this.#held) this.#socket.pause()
    else this.#socket.resume()
  }
}
