import { type Disk, DiskError } from '@paravane/core'
import type { HostLock } from '../host-locks.ts'
import type { RawFile } from '../raw-file.ts'
import { closedError, type DiskChange, requestRefusal } from '../request-check.ts'
import { bytesOf, sliceBuffers } from '../slice-buffers.ts'
import { isGrown, mapRange, type VolumeMap } from './volume-map.ts'

/** How often the volume group is looked at, ms. */
const LOOK_MS = 1000
/** Label and header of the metadata of a physical volume as lvm makes it: they change with every change of the group. */
const HEADER_BYTES = 8192

export interface VolumeDiskInit {
  /** As the user wrote it, for messages. */
  readonly name: string
  readonly readonly: boolean
  readonly map: VolumeMap
  readonly sectorSize: number
  readonly physicalSectorSize: number
  readonly openDevice: (path: string) => Promise<RawFile>
  /** Asks lvm again. */
  readonly readMap: () => Promise<VolumeMap>
  readonly lock: HostLock | undefined
}

/** A logical volume by its map, on the physical volumes themselves. */
export class VolumeDisk implements Disk {
  readonly sectorSize: number
  readonly physicalSectorSize: number
  readonly readonly: boolean
  readonly identity: string
  readonly #init: VolumeDiskInit
  readonly #devices: Map<string, RawFile>
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #listeners = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined
  #headers: string
  #map: VolumeMap
  /** The volume is not what it was. */
  #fault: DiskError | undefined
  #closed: Promise<void> | undefined

  static async open(init: VolumeDiskInit): Promise<VolumeDisk> {
    const devices = new Map<string, RawFile>()
    try {
      await openDevices(init, init.map, devices)
      return new VolumeDisk(init, devices, await headersOf(devices))
    } catch (error) {
      for (const file of devices.values()) await file.close()
      throw error
    }
  }

  private constructor(init: VolumeDiskInit, devices: Map<string, RawFile>, headers: string) {
    this.#init = init
    this.#map = init.map
    this.#devices = devices
    this.#headers = headers
    this.sectorSize = init.sectorSize
    this.physicalSectorSize = init.physicalSectorSize
    this.readonly = init.readonly
    this.identity = `lvm ${init.map.uuid}`
    this.#lookLater()
  }

  get size(): number {
    return this.#map.size
  }

  read(offset: number, into: readonly Uint8Array[]): Promise<void> {
    return this.#admit('reads', offset, bytesOf(into), () =>
      this.#each(offset, into, (file, at, part) => file.read(at, part)),
    )
  }

  write(offset: number, from: readonly Uint8Array[]): Promise<void> {
    return this.#admit('writes', offset, bytesOf(from), () =>
      this.#each(offset, from, (file, at, part) => file.write(at, part)),
    )
  }

  flush(): Promise<void> {
    return this.#admit('reads', 0, 0, () => settled([...this.#devices.values()].map((file) => file.sync())))
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
    clearTimeout(this.#timer)
    await Promise.allSettled(this.#underWay)
    for (const file of this.#devices.values()) await file.close()
    this.#init.lock?.release()
  }

  async #admit(does: DiskChange, offset: number, length: number, work: () => Promise<void>): Promise<void> {
    const { name } = this.#init
    const isOpen = this.#closed === undefined
    const refusal = isOpen ? requestRefusal(this, name, does, offset, length) : closedError(name)
    if (refusal !== undefined || this.#fault !== undefined) throw refusal ?? this.#fault
    await this.#during(work())
  }

  async #during(work: Promise<void>): Promise<void> {
    this.#underWay.add(work)
    try {
      await work
    } finally {
      this.#underWay.delete(work)
    }
  }

  #each(
    offset: number,
    buffers: readonly Uint8Array[],
    transfer: (file: RawFile, at: number, part: readonly Uint8Array[]) => Promise<void>,
  ): Promise<void> {
    let from = 0
    const work = mapRange(this.#map, offset, bytesOf(buffers)).map((part) => {
      const slice = sliceBuffers(buffers, from, part.length)
      from += part.length
      return transfer(this.#devices.get(part.device)!, part.offset, slice)
    })
    return settled(work)
  }

  #lookLater(): void {
    this.#timer = setTimeout(() => {
      void this.#during(this.#look()).finally(() => {
        if (this.#closed === undefined) this.#lookLater()
      })
    }, LOOK_MS).unref()
  }

  /** Asks lvm only if the group's metadata has changed. */
  async #look(): Promise<void> {
    const headers = await headersOf(this.#devices).catch(() => this.#headers)
    if (headers === this.#headers) return
    const { name, readMap } = this.#init
    try {
      const map = await readMap()
      if (!isGrown(this.#map, map)) throw new Error('it was made smaller or moved')
      await openDevices(this.#init, map, this.#devices)
      this.#headers = headers
      this.#fault = undefined
      const hasGrown = map.size > this.#map.size
      this.#map = map
      if (hasGrown) for (const listener of this.#listeners) listener()
    } catch (error) {
      const why = `the volume is not what it was when it was opened: ${(error as Error).message}`
      this.#fault = new DiskError('DISK_GONE', name, why, { cause: error })
    }
  }
}

async function openDevices(
  { openDevice }: VolumeDiskInit,
  map: VolumeMap,
  devices: Map<string, RawFile>,
): Promise<void> {
  for (const { device } of map.segments.flatMap(({ areas }) => areas)) {
    if (!devices.has(device)) devices.set(device, await openDevice(device))
  }
}

async function headersOf(devices: ReadonlyMap<string, RawFile>): Promise<string> {
  const headers: string[] = []
  for (const file of devices.values()) {
    const bytes = Buffer.alloc(HEADER_BYTES)
    await file.read(0, [bytes])
    headers.push(bytes.toString('latin1'))
  }
  return headers.join('')
}

/** All have ended when this does. */
async function settled(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}
