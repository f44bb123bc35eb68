import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Xenstored, type XenstoredOptions } from '../../src/xenstore/xenstored.ts'
import { RingStream } from './ring-stream.ts'
import { SocketStream } from './socket-stream.ts'
import { StoreGuest } from './store-guest.ts'
import { WireClient } from './wire-client.ts'

/** The domains that there can be in a dialogue. */
export const GUESTS: readonly number[] = [1, 2, 3, 4, 5, 6, 7]

/** Where a dialogue takes place: a xenstored, programs of its host, and guests. */
export interface Place {
  /** A new program of the host. */
  program(): WireClient
  /** The guest with this number, which INTRODUCE has made known. */
  guest(domid: number): WireClient
  /** The domain has shut down by itself. */
  shutDown(domid: number): Promise<void>
  close(): Promise<void>
}

/** Our xenstored, on a unix socket and on rings. */
export class OwnPlace implements Place {
  readonly xenstored: Xenstored
  readonly guests: Map<number, StoreGuest> = new Map()
  readonly #folder = mkdtempSync(join(tmpdir(), 'paravane-xs-'))
  readonly #server: Server
  readonly #sockets: SocketStream[] = []

  private constructor(options: XenstoredOptions) {
    this.xenstored = new Xenstored({
      openRing: (domid) => {
        if (!GUESTS.includes(domid)) return undefined
        const guest = new StoreGuest()
        this.guests.set(domid, guest)
        return guest
      },
      ...options,
    })
    this.#server = createServer((socket) => this.xenstored.accept(socket))
  }

  static async open(options: XenstoredOptions = {}): Promise<OwnPlace> {
    const place = new OwnPlace(options)
    await new Promise<void>((resolve) => place.#server.listen(place.socketPath, resolve))
    return place
  }

  get socketPath(): string {
    return join(this.#folder, 'socket')
  }

  program(): WireClient {
    return new WireClient(this.stream())
  }

  stream(): SocketStream {
    const stream = new SocketStream(this.socketPath)
    this.#sockets.push(stream)
    return stream
  }

  guest(domid: number): WireClient {
    const guest = this.guests.get(domid)
    if (guest === undefined) throw new Error(`nobody has introduced domain ${domid}`)
    return new WireClient(
      new RingStream(guest, async () => {
        this.xenstored.poke(domid)
        await new Promise((resolve) => setImmediate(resolve))
      }),
    )
  }

  async shutDown(domid: number): Promise<void> {
    this.xenstored.domainShutdown(domid)
  }

  async close(): Promise<void> {
    for (const { socket } of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
    rmSync(this.#folder, { recursive: true })
  }
}
