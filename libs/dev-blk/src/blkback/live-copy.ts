import type { Disk, DiskDiscard } from '@paravane/core'

const CHUNK = 1 << 20
/** So few are left for when the guest has to wait, 16 MiB. */
const FEW = 16
/** A guest that writes faster than it is copied waits for the rest after so many rounds. */
const ROUNDS = 8

/** A disk that notes what is written to it, for who copies it meanwhile. What is under way counts when it ends. */
export class NotingDisk implements Disk {
  readonly sectorSize: number
  readonly physicalSectorSize: number
  readonly readonly: boolean
  readonly identity: string
  readonly discard?: DiskDiscard
  readonly #disk: Disk
  readonly #touched = new Set<number>()

  constructor(disk: Disk) {
    this.#disk = disk
    this.sectorSize = disk.sectorSize
    this.physicalSectorSize = disk.physicalSectorSize
    this.readonly = disk.readonly
    this.identity = disk.identity
    if (disk.discard !== undefined) this.discard = this.#noting(disk.discard)
  }

  get size(): number {
    return this.#disk.size
  }

  get touched(): number {
    return this.#touched.size
  }

  /** Numbers of the chunks that were written since the last time. */
  takeTouched(): readonly number[] {
    const all = [...this.#touched]
    this.#touched.clear()
    return all
  }

  read(offset: number, into: readonly Uint8Array[]): Promise<void> {
    return this.#disk.read(offset, into)
  }

  async write(offset: number, from: readonly Uint8Array[]): Promise<void> {
    try {
      await this.#disk.write(offset, from)
    } finally {
      let end = offset
      for (const { length } of from) end += length
      this.#touch(offset, end)
    }
  }

  flush(): Promise<void> {
    return this.#disk.flush()
  }

  close(): Promise<void> {
    return this.#disk.close()
  }

  #noting({ granularity, alignment, discard }: DiskDiscard): DiskDiscard {
    return {
      granularity,
      alignment,
      discard: (offset, length) => discard(offset, length).finally(() => this.#touch(offset, offset + length)),
    }
  }

  #touch(start: number, end: number): void {
    for (let chunk = Math.floor(start / CHUNK); chunk * CHUNK < end; chunk++) this.#touched.add(chunk)
  }
}

/** Copies all of a disk to another, until little is left that was written meanwhile. */
export async function copyAhead(from: NotingDisk, to: Disk): Promise<void> {
  const chunks = Math.ceil(from.size / CHUNK)
  await copyChunks(
    from,
    to,
    Array.from({ length: chunks }, (_, chunk) => chunk),
  )
  for (let round = 0; round < ROUNDS && from.touched > FEW; round++) await copyChunks(from, to, from.takeTouched())
}

/** Nothing is written any more: copies the rest. */
export async function copyRest(from: NotingDisk, to: Disk): Promise<void> {
  await copyChunks(from, to, from.takeTouched())
  await to.flush()
}

async function copyChunks(from: Disk, to: Disk, chunks: readonly number[]): Promise<void> {
  const buffer = Buffer.alloc(CHUNK)
  const there = Buffer.alloc(CHUNK)
  for (const chunk of chunks) {
    const offset = chunk * CHUNK
    const length = Math.min(CHUNK, from.size - offset)
    await from.read(offset, [buffer.subarray(0, length)])
    await to.read(offset, [there.subarray(0, length)])
    // What is the same already need not be written: holes stay holes.
    if (Buffer.compare(buffer.subarray(0, length), there.subarray(0, length)) === 0) continue
    await to.write(offset, [buffer.subarray(0, length)])
  }
}
