import { constants } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import type { IoThread } from '../io-thread.ts'
import { openRawFile, type RawFile } from '../raw-file.ts'
import { CLUSTER, mapBytes, OverlayMap } from './overlay-map.ts'

/**
 * An overlay's file. A page of header: magic, version, bytes of a cluster (u32 each but for the magic), size of the disk in bytes
 * (u64), little-endian. Then the map. Then, from a whole MiB on, the clusters, each at its own place: the rest are holes.
 */
export interface OverlayFile {
  readonly raw: RawFile
  readonly size: number
  readonly map: OverlayMap
  /** Where byte 0 of the disk is. */
  readonly dataAt: number
}

export const MAP_AT = 4096
const MAGIC = 'PVOVERLY'
const VERSION = 1
const MIB = 1 << 20

const dataAt = (size: number): number => Math.ceil((MAP_AT + mapBytes(size)) / MIB) * MIB

/** Makes one that has nothing of its own; it is there whole or not at all. @throws NodeJS.ErrnoException */
export async function createOverlay(path: string, size: number): Promise<void> {
  const draft = `${path}.${process.pid}.new`
  const header = Buffer.alloc(MAP_AT)
  header.write(MAGIC, 'latin1')
  header.writeUInt32LE(VERSION, 8)
  header.writeUInt32LE(CLUSTER, 12)
  header.writeBigUInt64LE(BigInt(size), 16)
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.write(header)
    await file.truncate(dataAt(size) + Math.ceil(size / CLUSTER) * CLUSTER)
    await file.sync()
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

/** @throws Error with why it is none, DiskError */
export async function openOverlay(path: string, readonly: boolean, io?: IoThread): Promise<OverlayFile> {
  return readOverlay(await openRawFile(path, readonly ? constants.O_RDONLY : constants.O_RDWR, io))
}

/** @param raw is closed if it is no overlay. @throws as {@link openOverlay} */
export async function readOverlay(raw: RawFile): Promise<OverlayFile> {
  try {
    const header = Buffer.alloc(MAP_AT)
    await raw.read(0, [header]).catch(() => {})
    if (header.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new Error('its top is a file of something else')
    const version = header.readUInt32LE(8)
    const cluster = header.readUInt32LE(12)
    if (version !== VERSION || cluster !== CLUSTER)
      throw new Error(`its top is of version ${version}, which is not known`)
    const size = Number(header.readBigUInt64LE(16))
    if (!Number.isSafeInteger(size) || size <= 0) throw new Error('its top is damaged')
    const map = new Uint8Array(mapBytes(size))
    await raw.read(MAP_AT, [map])
    return { raw, size, map: new OverlayMap(map), dataAt: dataAt(size) }
  } catch (error) {
    await raw.close()
    throw error
  }
}
