/** What a console daemon does: keeps the last of what a guest wrote, and hands its console to clients. */
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { RunningDomain } from '@paravane/core'
import { KeptOutput } from './kept-output.ts'

/** Of a guest's output, for who comes later: 1 MiB, as console/limit in its store says. */
const KEPT_BLOCKS = 16
/** A client that is this far behind is let go: its terminal does not take anything. */
const BEHIND_MAX = 4 << 20

interface Watched {
  readonly domain: RunningDomain
  readonly log: WriteStream | undefined
  readonly clients: Set<Duplex>
  readonly kept: KeptOutput
}

export class Consoles {
  readonly #folder: string
  readonly #watched = new Map<number, Watched>()

  /** @param folder of the logs `guest-NAME.log` */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** From before its first instruction to its end, with which its clients are let go. */
  watch(domain: RunningDomain): void {
    const watched: Watched = {
      domain,
      log: this.#log(domain.name),
      clients: new Set(),
      kept: new KeptOutput(KEPT_BLOCKS),
    }
    this.#watched.set(domain.domid, watched)
    const stop = domain.console.onOutput((bytes) => take(watched, Buffer.from(bytes)))
    void domain.ended.then(() => {
      stop()
      watched.log?.end()
      for (const client of watched.clients) client.end()
      // Another domain may have the number by now.
      if (this.#watched.get(domain.domid) === watched) this.#watched.delete(domain.domid)
    })
  }

  has(domid: number): boolean {
    return this.#watched.has(domid)
  }

  /** Writes to the client what is kept, and all that follows. */
  attach(domid: number, client: Duplex): void {
    const watched = this.#watched.get(domid)
    if (watched === undefined) return
    for (const bytes of watched.kept.pieces()) client.write(bytes)
    watched.clients.add(client)
    client.on('data', (bytes: Buffer) => watched.domain.console.write(bytes))
    client.on('close', () => watched.clients.delete(client))
    client.on('end', () => client.end())
  }

  #log(name: string): WriteStream | undefined {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    const log = createWriteStream(join(this.#folder, `guest-${name}.log`), { flags: 'a', mode: 0o600 })
    // A full disk costs the log, not the guest.
    log.on('error', () => {})
    return log
  }
}

function take(watched: Watched, bytes: Buffer): void {
  const { log } = watched
  // A disk that is slower than the guest loses some of its log, and not our memory.
  if (log !== undefined && log.writableLength < BEHIND_MAX) log.write(bytes)
  watched.kept.push(bytes)
  for (const client of watched.clients) {
    client.write(bytes)
    if (client.writableLength > BEHIND_MAX) client.destroy()
  }
}
