import type { BigIntStats } from 'node:fs'
import type { Disk, DiskDiscard, DiskError } from '@paravane/core'
import { FileLoans } from './file-loans.ts'
import type { HostLock } from './host-locks.ts'
import type { RawFile } from './raw-file.ts'
import { RawWatch } from './raw-watch.ts'
import { closedError, type DiskChange, requestRefusal } from './request-check.ts'
import { bytesOf } from './slice-buffers.ts'

export interface RawDiskInit {
  readonly file: RawFile
  readonly stats: BigIntStats
  /** Bytes; what is behind the last whole sector is not used. */
  readonly size: number
  readonly sectorSize: number
  readonly physicalSectorSize: number
  readonly readonly: boolean
  readonly identity: string
  readonly device?: string
  readonly lock: HostLock | undefined
  readonly discard: DiskDiscard | undefined
  /** What it holds is in the host's page cache, or comes soon: it may be lent. */
  readonly lends?: boolean
  /** Its size in bytes now. */
  readonly measure: () => Promise<number>
}

/** A disk whose bytes are those of one open file. Writes land in the host's page cache, and a flush is fdatasync(2). */
export class RawDisk implements Disk {
  readonly sectorSize: number
  readonly physicalSectorSize: number
  readonly readonly: boolean
  readonly identity: string
  readonly device?: string
  readonly discard?: DiskDiscard
  readonly lentFile?: FileLoans
  readonly #file: RawFile
  readonly #lock: HostLock | undefined
  readonly #watch: RawWatch
  readonly #listeners = new Set<() => void>()
  readonly #quiet = Promise.withResolvers<void>()
  #size: number
  #underWay = 0
  #closed: Promise<void> | undefined

  constructor({ file, stats, size, discard, device, lock, measure, ...facts }: RawDiskInit) {
    this.#file = file
    this.#lock = lock
    this.#size = size
    this.sectorSize = facts.sectorSize
    this.physicalSectorSize = facts.physicalSectorSize
    this.readonly = facts.readonly
    this.identity = facts.identity
    if (device !== undefined) this.device = device
    if (discard !== undefined) this.discard = this.#guarded(discard)
    if (facts.lends) this.lentFile = new FileLoans(file.fd)
    this.#watch = new RawWatch({
      path: file.path,
      stats,
      size,
      measure,
      grown: (larger) => this.#grow(larger),
      judged: (isWell) => this.lentFile?.setUsable(isWell),
    })
  }

  get size(): number {
    return this.#size - (this.#size % this.sectorSize)
  }

  read(offset: number, into: readonly Uint8Array[]): Promise<void> {
    const refusal = this.#refusal('reads', offset, bytesOf(into))
    return refusal === undefined ? this.#count(this.#file.read(offset, into)) : Promise.reject(refusal)
  }

  write(offset: number, from: readonly Uint8Array[]): Promise<void> {
    const refusal = this.#refusal('writes', offset, bytesOf(from))
    return refusal === undefined ? this.#count(this.#file.write(offset, from)) : Promise.reject(refusal)
  }

  flush(): Promise<void> {
    return this.#closed === undefined ? this.#count(this.#flush()) : Promise.reject(closedError(this.#file.path))
  }

  onResize(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#watch.end()
    await this.lentFile?.end()
    if (this.#underWay > 0) await this.#quiet.promise
    await this.#file.close()
    this.#lock?.release()
  }

  /** What is acknowledged as safe must be in the file that its path names. */
  async #flush(): Promise<void> {
    const fault = await this.#watch.look()
    if (fault !== undefined) throw fault
    await this.#file.sync()
  }

  #guarded({ granularity, alignment, discard }: DiskDiscard): DiskDiscard {
    return {
      granularity,
      alignment,
      discard: (offset, length) => {
        const refusal = this.#refusal('writes', offset, length)
        return refusal === undefined ? this.#count(discard(offset, length)) : Promise.reject(refusal)
      },
    }
  }

  #refusal(does: DiskChange, offset: number, length: number): DiskError | undefined {
    if (this.#closed !== undefined) return closedError(this.#file.path)
    return requestRefusal(this, this.#file.path, does, offset, length) ?? this.#watch.fault
  }

  #grow(size: number): void {
    this.#size = size
    for (const listener of this.#listeners) listener()
  }

  async #count(work: Promise<void>): Promise<void> {
    this.#underWay++
    try {
      await work
    } finally {
      this.#underWay--
      if (this.#closed !== undefined && this.#underWay === 0) this.#quiet.resolve()
    }
  }
}
