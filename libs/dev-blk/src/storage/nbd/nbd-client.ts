import { setTimeout as delay } from 'node:timers/promises'
import { bytesOf, sliceBuffers } from '../slice-buffers.ts'
import { NbdConnection } from './connection.ts'
import type { NbdAddress } from './nbd-address.ts'
import { NbdError } from './nbd-error.ts'
import type { NbdExport } from './negotiation.ts'
import { COMMAND, COMMAND_FLAG, EXPORT_FLAG } from './protocol.ts'
import { WriteLog } from './write-log.ts'

/** Times in ms. */
export interface NbdPatience {
  /** For connecting and negotiating. */
  readonly greeting: number
  /** The server is taken for dead if requests are under way so long and nothing comes; none: never. */
  readonly silence?: number
  /** How long requests wait for a server that is gone, before they fail. */
  readonly absence: number
  /** Bytes of answered writes to keep until a flush, for a server that loses them; {@link KEPT_BYTES} if absent. None where others write, too. */
  readonly kept?: number
}

export const NBD_PATIENCE: NbdPatience = { greeting: 5000, silence: 30_000, absence: 10_000 }

export const KEPT_BYTES: number = 32 << 20

const RETRY_MS_STEP = 100
const RETRY_MS_MAX = 1000
/** Of one trim or write of zeroes; it is a multiple of every block size. */
const RANGE_BYTES_MAX: number = 1 << 30

/**
 * A client of one export that outlives its connections. When one is lost, what was under way is sent again on the next; when none
 * comes within the patience, it fails, and so does at once whatever follows until the server is back. Writes that were answered
 * and not flushed may be lost with the server: they are done again first. There may have been more than are kept: the next
 * flush fails then, once, and so do those under way.
 * Methods reject with NbdReplyError as the server says, or with NbdError when it is gone.
 */
export class NbdClient {
  readonly #dial: () => Promise<NbdConnection>
  readonly #patience: NbdPatience
  readonly #listeners = new Set<() => void>()
  #about: NbdExport
  #connection: NbdConnection | undefined
  /** While there is no connection: resolves with the next, rejects when patience is over. */
  #next = Promise.withResolvers<NbdConnection>()
  readonly #log: WriteLog
  /** Times that writes may have been lost, and how many of them a flush has told of. */
  #losses = 0
  #lossesTold = 0
  #closed = false
  /** When there was a connection last. */
  #since = 0
  readonly #ended = new AbortController()

  /** @throws NbdError */
  static connect(address: NbdAddress, patience: NbdPatience = NBD_PATIENCE): Promise<NbdClient> {
    return NbdClient.dial(() => NbdConnection.open(address, patience), patience)
  }

  /** @param dial makes a connection; called again whenever one is needed. @throws what `dial` throws at first */
  static async dial(dial: () => Promise<NbdConnection>, patience: NbdPatience = NBD_PATIENCE): Promise<NbdClient> {
    return new NbdClient(dial, patience, await dial())
  }

  private constructor(dial: () => Promise<NbdConnection>, patience: NbdPatience, first: NbdConnection) {
    this.#dial = dial
    this.#patience = patience
    this.#log = new WriteLog(patience.kept ?? KEPT_BYTES)
    this.#about = first.about
    this.#adopt(first)
  }

  /** As the server said last. */
  get about(): NbdExport {
    return this.#about
  }

  /** Whether it has one of the abilities of EXPORT_FLAG. */
  can(ability: keyof typeof EXPORT_FLAG): boolean {
    return (this.#about.flags & EXPORT_FLAG[ability]!) !== 0
  }

  read(offset: number, into: readonly Uint8Array[]): Promise<void> {
    return this.#inParts(into, (connection, at, length, part) =>
      connection.request(COMMAND.read!, 0, offset + at, length, part),
    )
  }

  /** @param fua it is durable when this resolves */
  async write(offset: number, from: readonly Uint8Array[], fua: boolean = false): Promise<void> {
    const flags = fua ? COMMAND_FLAG.fua : 0
    await this.#inParts(from, (connection, at, length, part) =>
      connection.request(COMMAND.write!, flags, offset + at, length, [], part),
    )
    // One that is durable may lie over one that is not.
    if (!fua || !this.#log.isEmpty) this.#log.addBytes(offset, from, bytesOf(from))
  }

  /** Resolves when every write that was answered before is durable. */
  async flush(): Promise<void> {
    const before = this.#lossesTold
    this.#lossesTold = this.#losses
    if (before === this.#losses) {
      const losses = this.#losses
      const { position } = this.#log
      await this.#run((connection) => connection.request(COMMAND.flush!, 0, 0, 0))
      if (losses === this.#losses) {
        return this.#log.flushed(position)
      }
      this.#lossesTold = this.#losses
    }
    throw new NbdError('the server went away and came back, and writes since the last flush may be lost')
  }

  async trim(offset: number, length: number): Promise<void> {
    // What is kept of it may come back: it may read as anything.
    await this.#ranges(COMMAND.trim!, 0, offset, length)
  }

  /** @param noHole no holes are made: later writes there find room */
  async writeZeroes(offset: number, length: number, noHole: boolean = false): Promise<void> {
    await this.#ranges(COMMAND.writeZeroes!, noHole ? COMMAND_FLAG.noHole : 0, offset, length)
    this.#log.addZeroes(offset, length)
  }

  /** Calls `listener` when the export has another size after a new connection. @returns ends it */
  onResize(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What is under way fails. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#ended.abort()
    this.#next.promise.catch(() => {})
    this.#next.reject(new NbdError('it was closed'))
    this.#connection?.close()
  }

  async #ranges(command: number, flags: number, offset: number, length: number): Promise<void> {
    for (let at = 0; at < length; at += RANGE_BYTES_MAX) {
      const part = Math.min(RANGE_BYTES_MAX, length - at)
      await this.#run((connection) => connection.request(command, flags, offset + at, part))
    }
  }

  async #inParts(
    buffers: readonly Uint8Array[],
    send: (connection: NbdConnection, at: number, length: number, part: readonly Uint8Array[]) => Promise<void>,
  ): Promise<void> {
    const length = bytesOf(buffers)
    const most = this.#about.maximumPayload
    if (length <= most) return this.#run((connection) => send(connection, 0, length, buffers))
    const starts = Array.from({ length: Math.ceil(length / most) }, (_, n) => n * most)
    const parts = starts.map((at) => {
      const part = sliceBuffers(buffers, at, most)
      return this.#run((connection) => send(connection, at, bytesOf(part), part))
    })
    // None may go on when the caller is told.
    const failed = (await Promise.allSettled(parts)).find((part) => part.status === 'rejected')
    if (failed) throw failed.reason
  }

  async #run(action: (connection: NbdConnection) => Promise<void>): Promise<void> {
    const began = performance.now()
    for (;;) {
      const connection = this.#connection ?? (await this.#next.promise)
      try {
        return await action(connection)
      } catch (error) {
        // It may be the request itself that ends connections.
        const isOver = performance.now() - began > this.#patience.absence + (this.#patience.silence ?? 0)
        if (!(error instanceof NbdError) || this.#closed || isOver) throw error
      }
    }
  }

  #adopt(connection: NbdConnection): void {
    const hasNewSize = connection.about.size !== this.#about.size
    this.#connection = connection
    this.#since = performance.now()
    this.#about = connection.about
    void connection.lost.then(() => this.#lost())
    if (hasNewSize) for (const listener of this.#listeners) listener()
  }

  #lost(): void {
    this.#connection = undefined
    if (this.#closed) return
    this.#next = Promise.withResolvers()
    // Nobody may be waiting for it.
    this.#next.promise.catch(() => {})
    void this.#redial()
  }

  async #redial(): Promise<void> {
    const deadline = performance.now() + this.#patience.absence
    // A server that lets go of every connection is not asked without end.
    const isFirst = performance.now() - this.#since > RETRY_MS_MAX
    for (
      let pause = isFirst ? 0 : RETRY_MS_STEP;
      !this.#closed;
      pause = Math.min(pause + RETRY_MS_STEP, RETRY_MS_MAX)
    ) {
      await delay(pause, undefined, { signal: this.#ended.signal }).catch(() => {})
      if (this.#closed) return
      const connection = await this.#again().catch((error: Error) => error)
      if (connection instanceof NbdConnection) {
        if (this.#closed) return connection.close()
        this.#adopt(connection)
        return this.#next.resolve(connection)
      }
      if (performance.now() > deadline) this.#next.reject(connection)
    }
  }

  async #again(): Promise<NbdConnection> {
    const connection = await this.#dial()
    const { size, flags, minimumBlock } = connection.about
    const lacks = this.#about.flags & ~flags & ~EXPORT_FLAG.readOnly!
    const isReadOnlyNow = (flags & ~this.#about.flags & EXPORT_FLAG.readOnly!) !== 0
    if (size >= this.#about.size && minimumBlock <= this.#about.minimumBlock && !lacks && !isReadOnlyNow) {
      try {
        await this.#writeAgain(connection)
        return connection
      } catch (error) {
        connection.close()
        throw error
      }
    }
    connection.close()
    throw new NbdError('it came back as another export: smaller, or able to do less')
  }

  /** Brings the server to where it was, as far as it is known. */
  async #writeAgain(connection: NbdConnection): Promise<void> {
    if (!this.#log.isWhole) {
      this.#losses++
      this.#log.flushed(this.#log.position)
    }
    // One after another: they may overlap.
    for (const { offset, zeroes, bytes } of this.#log.writes) {
      if (bytes === undefined) await connection.request(COMMAND.writeZeroes!, 0, offset, zeroes!)
      else await connection.request(COMMAND.write!, 0, offset, bytes.length, [], [bytes])
    }
  }
}
