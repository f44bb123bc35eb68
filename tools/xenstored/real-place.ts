/** Dialogues with Debian's own xenstored: programs at its socket, guests whose store pages are files. */
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { GUESTS, type Place } from '../../libs/core/test/xenstore/place.ts'
import { RingStream } from '../../libs/core/test/xenstore/ring-stream.ts'
import { SocketStream } from '../../libs/core/test/xenstore/socket-stream.ts'
import { INDEX, StoreGuest } from '../../libs/core/test/xenstore/store-guest.ts'
import { WireClient } from '../../libs/core/test/xenstore/wire-client.ts'
import { RealXenstored } from './real-xenstored.ts'

const WORK_MS = 1
const OURS = [INDEX.reqProd, INDEX.rspCons, INDEX.connection]
const ENDS = [INDEX.reqCons, INDEX.rspProd, INDEX.features, INDEX.error]

export class RealPlace implements Place {
  readonly real: RealXenstored
  readonly #pages = new Map<number, number>()
  readonly #sockets: SocketStream[] = []

  private constructor(real: RealXenstored) {
    this.real = real
  }

  static async open(progress: (line: string) => void): Promise<RealPlace> {
    const place = new RealPlace(await RealXenstored.start(progress))
    for (const domid of GUESTS) {
      await place.real.createDomain(domid)
      place.#pages.set(domid, openSync(place.real.ringPath(domid), 'r+'))
    }
    return place
  }

  program(): WireClient {
    const stream = new SocketStream(this.real.socketPath)
    this.#sockets.push(stream)
    return new WireClient(stream)
  }

  guest(domid: number): WireClient {
    const page = this.#pages.get(domid)
    if (page === undefined) throw new Error(`no domain ${domid}`)
    const guest = new StoreGuest()
    const serve = async (): Promise<void> => {
      writeSync(page, guest.page.bytes, 0, 1024, 0)
      for (const word of OURS) writeSync(page, guest.page.bytes, word * 4, 4, word * 4)
      await this.real.raise(domid)
      await new Promise((resolve) => setTimeout(resolve, WORK_MS))
      for (const word of ENDS) readSync(page, guest.page.bytes, word * 4, 4, word * 4)
      readSync(page, guest.page.bytes, 1024, 1024, 1024)
    }
    return new WireClient(new RingStream(guest, serve))
  }

  async shutDown(domid: number): Promise<void> {
    unlinkSync(this.real.ringPath(domid))
    await this.real.raise(0)
  }

  async close(): Promise<void> {
    for (const { socket } of this.#sockets) socket.destroy()
    for (const page of this.#pages.values()) closeSync(page)
    await this.real.stop()
  }
}
