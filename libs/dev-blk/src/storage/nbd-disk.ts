import { type Disk, type DiskDiscard, DiskError, type DiskErrorCode } from '@paravane/core'
import type { NbdClient } from './nbd/nbd-client.ts'
import { NbdReplyError } from './nbd/nbd-error.ts'
import { openRefusal } from './open-refusal.ts'
import type { RawWatch } from './raw-watch.ts'
import { closedError, type DiskChange, requestRefusal } from './request-check.ts'
import { bytesOf } from './slice-buffers.ts'

const SECTOR = 512
/** With less room a format's next piece has none: those of VHD are 2 MiB. */
const LEAST_ROOM = 2 << 20
const PAGE = 4096

/** As the protocol names errors. The rest is DISK_IO. */
const CODES: Readonly<Record<string, DiskErrorCode>> = {
  ENOSPC: 'DISK_FULL',
  EPERM: 'DISK_READONLY',
  ESHUTDOWN: 'DISK_GONE',
}
const IN_WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left where the server keeps it',
  EPERM: 'the server does not let it be written',
  EIO: 'the server reports an input/output error; its own log may say why',
}

export interface NbdDiskOptions {
  /** As the user wrote it, for messages. */
  readonly name: string
  readonly identity: string
  readonly readonly: boolean
  /** Of the file that it comes from. */
  readonly watch?: RawWatch
  /** Bytes by which that file can grow yet. */
  readonly room?: () => Promise<number>
  /** Besides the client. */
  readonly close?: () => Promise<void>
}

/** A disk that is an NBD export. */
export class NbdDisk implements Disk {
  readonly sectorSize: number
  readonly physicalSectorSize: number
  readonly readonly: boolean
  readonly identity: string
  readonly discard?: DiskDiscard
  readonly #client: NbdClient
  readonly #options: NbdDiskOptions
  #closed = false

  /** @throws CodedError `DISK_OPEN` if the export cannot be such a disk; the client is closed then */
  constructor(client: NbdClient, options: NbdDiskOptions) {
    this.#client = client
    this.#options = options
    const why = unfit(client, options.readonly)
    if (why !== undefined) {
      client.close()
      throw openRefusal(options.name, why)
    }
    const { minimumBlock, preferredBlock } = client.about
    this.sectorSize = minimumBlock <= SECTOR ? SECTOR : PAGE
    this.physicalSectorSize = Math.min(Math.max(preferredBlock, this.sectorSize), PAGE)
    this.readonly = options.readonly
    this.identity = options.identity
    if (client.can('trim') && !options.readonly) {
      const discard = (offset: number, length: number): Promise<void> =>
        this.#ask('writes', offset, length, () => client.trim(offset, length))
      this.discard = { granularity: Math.max(preferredBlock, this.sectorSize), alignment: 0, discard }
    }
  }

  get size(): number {
    const { size } = this.#client.about
    return size - (size % this.sectorSize)
  }

  read(offset: number, into: readonly Uint8Array[]): Promise<void> {
    return this.#ask('reads', offset, bytesOf(into), () => this.#client.read(offset, into))
  }

  write(offset: number, from: readonly Uint8Array[]): Promise<void> {
    const fua = !this.#client.can('flush')
    return this.#ask('writes', offset, bytesOf(from), () => this.#client.write(offset, from, fua))
  }

  async flush(): Promise<void> {
    // A write of a server without flush was durable when it was answered.
    if (this.readonly) return
    await this.#options.watch?.look()
    await this.#ask('reads', 0, 0, async () => this.#client.can('flush') && this.#client.flush())
  }

  onResize(listener: () => void): () => void {
    return this.#client.onResize(listener)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#options.watch?.end()
    this.#client.close()
    await this.#options.close?.()
  }

  async #ask(does: DiskChange, offset: number, length: number, request: () => Promise<unknown>): Promise<void> {
    const { name, watch } = this.#options
    const refusal = this.#closed ? closedError(name) : requestRefusal(this, name, does, offset, length)
    const fault = refusal ?? watch?.fault
    if (fault !== undefined) throw fault
    try {
      await request()
    } catch (error) {
      throw (await this.#wantOfRoom(error as Error)) ?? diskErrorOf(error as Error, name)
    }
  }

  /** qemu's drivers of formats say EINVAL or EIO of much that was ENOSPC. */
  async #wantOfRoom(cause: Error): Promise<DiskError | undefined> {
    const { name, room, readonly } = this.#options
    if (!(cause instanceof NbdReplyError) || room === undefined || readonly) return undefined
    const free = await room().catch(() => LEAST_ROOM)
    const why = `no space is left on its file system (its server answers ${cause.message})`
    return free < LEAST_ROOM ? new DiskError('DISK_FULL', name, why, { cause }) : undefined
  }
}

/** Why the export is no disk for us. */
function unfit(client: NbdClient, readonly: boolean): string | undefined {
  const { minimumBlock, size } = client.about
  if (minimumBlock > PAGE)
    return `its server takes blocks of ${minimumBlock} bytes only, and a guest has ${PAGE} at most`
  if (size < PAGE) return `it has ${size} bytes, which are no disk`
  if (readonly) return undefined
  if (client.can('readOnly')) return 'its server lets it be read only: open it with mode r'
  if (client.can('flush') || client.can('fua')) return undefined
  return 'its server can make no write durable (neither flush nor FUA): open it with mode r, or take another server'
}

function diskErrorOf(error: Error, name: string): DiskError {
  if (!(error instanceof NbdReplyError)) return new DiskError('DISK_GONE', name, error.message, { cause: error })
  const why = IN_WORDS[error.error] ?? `its server answers ${error.message}`
  return new DiskError(CODES[error.error] ?? 'DISK_IO', name, why, { cause: error })
}
