import type { Disk, DiskError } from '@paravane/core'
import type { HostLock } from '../host-locks.ts'
import type { RawWatch } from '../raw-watch.ts'
import { closedError, type DiskChange, requestRefusal } from '../request-check.ts'
import { bytesOf, sliceBuffers } from '../slice-buffers.ts'
import { MAP_AT, type OverlayFile } from './overlay-file.ts'
import { CLUSTER } from './overlay-map.ts'

export interface OverlayDiskInit {
  /** As the user wrote it, for messages. */
  readonly name: string
  readonly base: Disk
  readonly top: OverlayFile
  readonly readonly: boolean
  readonly identity: string
  readonly lock: HostLock | undefined
  /** Of the top. */
  readonly watch?: RawWatch
}

/**
 * Reads what was never written from its base, and the rest from its top. A flush makes the clusters durable, and then the map that
 * names them: whenever the power fails, what the map names is there.
 */
export class OverlayDisk implements Disk {
  readonly size: number
  readonly sectorSize: number
  readonly physicalSectorSize: number = CLUSTER
  readonly readonly: boolean
  readonly identity: string
  readonly bases: readonly string[]
  readonly #init: OverlayDiskInit
  /** Clusters that are being copied from the base. */
  readonly #filling = new Map<number, Promise<void>>()
  readonly #underWay = new Set<Promise<unknown>>()
  #flush: Promise<void> = Promise.resolve()
  /** The flush that has not begun. */
  #nextFlush: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(init: OverlayDiskInit) {
    this.#init = init
    this.size = init.top.size
    this.sectorSize = init.base.sectorSize
    this.readonly = init.readonly
    this.identity = init.identity
    this.bases = [init.base.identity, ...(init.base.bases ?? [])]
  }

  read(offset: number, into: readonly Uint8Array[]): Promise<void> {
    return this.#admit('reads', offset, bytesOf(into), () => this.#read(offset, into))
  }

  write(offset: number, from: readonly Uint8Array[]): Promise<void> {
    return this.#admit('writes', offset, bytesOf(from), () => this.#write(offset, from))
  }

  flush(): Promise<void> {
    return this.#admit('reads', 0, 0, () => {
      if (this.readonly) return Promise.resolve()
      this.#nextFlush ??= this.#flush
        .catch(() => {})
        .then(() => {
          this.#flush = this.#nextFlush!
          this.#nextFlush = undefined
          return this.#makeDurable()
        })
      return this.#nextFlush
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { base, top, lock, watch } = this.#init
    watch?.end()
    await Promise.allSettled(this.#underWay)
    try {
      if (!this.readonly) await this.#makeDurable()
    } finally {
      await Promise.allSettled([base.close(), top.raw.close()])
      lock?.release()
    }
  }

  async #admit(does: DiskChange, offset: number, length: number, work: () => Promise<void>): Promise<void> {
    const { name } = this.#init
    const refusal: DiskError | undefined =
      this.#closed === undefined ? requestRefusal(this, name, does, offset, length) : closedError(name)
    const fault = refusal ?? this.#init.watch?.fault
    if (fault !== undefined) throw fault
    const done = work()
    this.#underWay.add(done)
    try {
      await done
    } finally {
      this.#underWay.delete(done)
    }
  }

  async #read(offset: number, into: readonly Uint8Array[]): Promise<void> {
    const { base, top } = this.#init
    const end = offset + bytesOf(into)
    const reads: Promise<void>[] = []
    for (let at = offset; at < end; ) {
      const isOwn = top.map.has(Math.floor(at / CLUSTER))
      let to = nextCluster(at, end)
      while (to < end && top.map.has(to / CLUSTER) === isOwn) to = nextCluster(to, end)
      const part = sliceBuffers(into, at - offset, to - at)
      reads.push(isOwn ? top.raw.read(top.dataAt + at, part) : base.read(at, part))
      at = to
    }
    await allDone(reads)
  }

  async #write(offset: number, from: readonly Uint8Array[]): Promise<void> {
    const { top } = this.#init
    const end = offset + bytesOf(from)
    const first = Math.floor(offset / CLUSTER)
    const last = Math.floor((end - 1) / CLUSTER)
    if (offset % CLUSTER !== 0) await this.#fill(first)
    if (end % CLUSTER !== 0 && end !== this.size) await this.#fill(last)
    await top.raw.write(top.dataAt + offset, from)
    for (let cluster = first; cluster <= last; cluster++) top.map.add(cluster)
  }

  /** Copies a cluster of which only a part is written. Two parts may be written at once: they wait for one copy. */
  #fill(cluster: number): Promise<void> {
    if (this.#init.top.map.has(cluster)) return Promise.resolve()
    const under = this.#filling.get(cluster)
    if (under !== undefined) return under
    const copied = this.#copy(cluster).finally(() => this.#filling.delete(cluster))
    this.#filling.set(cluster, copied)
    return copied
  }

  async #copy(cluster: number): Promise<void> {
    const { base, top } = this.#init
    const at = cluster * CLUSTER
    const bytes = new Uint8Array(Math.min(CLUSTER, this.size - at))
    await base.read(at, [bytes])
    await top.raw.write(top.dataAt + at, [bytes])
    top.map.add(cluster)
  }

  async #makeDurable(): Promise<void> {
    const { raw, map } = this.#init.top
    const fault = await this.#init.watch?.look()
    if (fault !== undefined) throw fault
    const pages = map.takeDirty()
    try {
      await raw.sync()
      if (pages.length === 0) return
      await allDone(pages.map(({ offset, bytes }) => raw.write(MAP_AT + offset, [bytes])))
      await raw.sync()
    } catch (error) {
      map.giveBack(pages)
      throw error
    }
  }
}

/** All have settled when this does. */
async function allDone(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

const nextCluster = (at: number, end: number): number => Math.min(end, (Math.floor(at / CLUSTER) + 1) * CLUSTER)
