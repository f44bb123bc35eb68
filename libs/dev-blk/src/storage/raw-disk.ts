import { type Disk, DiskError } from '@paravane/core'
import type { RawFile } from './raw-file.ts'

const SECTOR = 512

export interface RawDiskFacts {
  /** Bytes; what is behind the last whole sector is not used. */
  readonly size: number
  readonly readonly: boolean
  readonly identity: string
}

/** A disk whose bytes are those of one open file. Writes land in the host's page cache, and a flush is fdatasync(2). */
export class RawDisk implements Disk {
  readonly size: number
  readonly sectorSize: number = SECTOR
  readonly physicalSectorSize: number = 4096
  readonly readonly: boolean
  readonly identity: string
  readonly #file: RawFile
  #underWay = 0
  #closed = false
  readonly #quiet = Promise.withResolvers<void>()

  constructor(file: RawFile, { size, readonly, identity }: RawDiskFacts) {
    this.#file = file
    this.size = size - (size % SECTOR)
    this.readonly = readonly
    this.identity = identity
  }

  read(offset: number, into: readonly Uint8Array[]): Promise<void> {
    return this.#refusal(offset, into) ?? this.#count(this.#file.read(offset, into))
  }

  write(offset: number, from: readonly Uint8Array[]): Promise<void> {
    if (this.readonly) return this.#refuse('DISK_READONLY', 'it was opened read-only')
    return this.#refusal(offset, from) ?? this.#count(this.#file.write(offset, from))
  }

  flush(): Promise<void> {
    return this.#closed ? this.#refuse('DISK_CLOSED', 'it is closed') : this.#count(this.#file.sync())
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#underWay > 0) await this.#quiet.promise
    await this.#file.close()
  }

  #refusal(offset: number, buffers: readonly Uint8Array[]): Promise<void> | undefined {
    let length = 0
    for (const buffer of buffers) length += buffer.length
    const { size } = this
    if (this.#closed) return this.#refuse('DISK_CLOSED', 'it is closed')
    if (offset % SECTOR !== 0 || length % SECTOR !== 0) {
      return this.#refuse('DISK_BOUNDS', `bytes ${offset} + ${length} are not whole sectors of ${SECTOR}`)
    }
    if (offset >= 0 && offset + length <= size) return
    return this.#refuse('DISK_BOUNDS', `bytes ${offset} + ${length} are beyond its ${size}`)
  }

  #refuse(code: 'DISK_READONLY' | 'DISK_BOUNDS' | 'DISK_CLOSED', why: string): Promise<never> {
    return Promise.reject(new DiskError(code, this.#file.path, why))
  }

  async #count(work: Promise<void>): Promise<void> {
    this.#underWay++
    try {
      await work
    } finally {
      this.#underWay--
      if (this.#closed && this.#underWay === 0) this.#quiet.resolve()
    }
  }
}
