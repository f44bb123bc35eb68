/** What a console daemon does: keeps the last of what a guest wrote, and hands its console to clients. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { RunningDomain } from '@paravane/core'
import { RotatingLog } from '../log/rotating-log.ts'
import { ConsoleInput } from './console-input.ts'
import { KEPT_BLOCK, KeptOutput } from './kept-output.ts'

/** A client that is this far behind, apart from what was kept for it, is let go: its terminal does not take anything. */
const BEHIND_MAX = 4 << 20

export interface ConsolesInit {
  /** Of the logs `guest-NAME.log`. */
  readonly folder: string
  /** Size of a log, bytes. */
  readonly logLimit: number
  /** Bytes of a guest's output for who comes later. */
  readonly kept: number
}

/** Bytes that have gone through a guest's console. */
export interface ConsoleCount {
  readonly domid: number
  readonly output: number
  readonly input: number
}

/** For a client to take the last of a guest that has ended. */
const PATIENCE_MS = 30_000

interface Watched {
  readonly log: RotatingLog
  readonly clients: Set<Duplex>
  readonly kept: KeptOutput
  readonly input: ConsoleInput
  output: number
}

export class Consoles {
  readonly #init: ConsolesInit
  readonly #watched = new Map<number, Watched>()

  constructor(init: ConsolesInit) {
    this.#init = init
  }

  /** From before its first instruction to its end, with which its clients are let go. */
  watch(domain: RunningDomain): void {
    const { folder, logLimit, kept } = this.#init
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const watched: Watched = {
      // The name has no character that leads to another folder: see `domainName`.
      log: new RotatingLog(join(folder, `guest-${domain.name}.log`), logLimit),
      clients: new Set(),
      kept: new KeptOutput(Math.ceil(kept / KEPT_BLOCK)),
      input: new ConsoleInput(domain.console),
      output: 0,
    }
    this.#watched.set(domain.domid, watched)
    const stop = domain.console.onOutput((bytes) => take(watched, Buffer.from(bytes), BEHIND_MAX + kept))
    void domain.ended.then(() => {
      stop()
      watched.log.end()
      watched.input.end()
      for (const client of watched.clients) letGo(client)
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
    watched.input.from(client)
    client.on('close', () => watched.clients.delete(client))
    client.on('end', () => client.end())
  }

  counts(): readonly ConsoleCount[] {
    return [...this.#watched].map(([domid, { output, input }]) => ({ domid, output, input: input.bytes }))
  }
}

/** It gets what was written, if it reads it; and need not close its own end. */
function letGo(client: Duplex): void {
  const patience = setTimeout(() => client.destroy(), PATIENCE_MS)
  client.on('close', () => clearTimeout(patience))
  client.end(() => client.destroy())
}

function take(watched: Watched, bytes: Buffer, behindMax: number): void {
  const { log } = watched
  watched.output += bytes.length
  // A disk that is slower than the guest loses some of its log, and not our memory.
  if (log.writableLength < BEHIND_MAX) log.write(bytes)
  watched.kept.push(bytes)
  for (const client of watched.clients) {
    client.write(bytes)
    if (client.writableLength > behindMax) client.destroy()
  }
}
