import type { Disk, StorageDriver, StorageRequest } from '@paravane/core'
import { findDriver } from './find-driver.ts'
import { openRefusal } from './open-refusal.ts'
import { OverlayDisk } from './overlay/overlay-disk.ts'
import { createOverlay, type OverlayFile, openOverlay } from './overlay/overlay-file.ts'
import { reasonOf, statPath } from './raw-file.ts'
import type { RawHost } from './raw-open.ts'
import { watchPlace } from './raw-watch.ts'

/**
 * `overlay:/PATH/TOP:BASE`: what is written goes to the file TOP, which is made where it is missing, and BASE, any other disk string,
 * is only read.
 */
export function overlayDriver(drivers: ReadonlyMap<string, StorageDriver>, host: RawHost): StorageDriver {
  return { open: (request) => openOverlayDisk(drivers, host, request) }
}

async function openOverlayDisk(
  drivers: ReadonlyMap<string, StorageDriver>,
  host: RawHost,
  { target, readonly, shared = false }: StorageRequest,
): Promise<Disk> {
  const name = `overlay:${target}`
  const [, path, storage] = /^(\/[^:]+):(.+)$/s.exec(target) ?? []
  if (path === undefined || storage === undefined) {
    throw openRefusal(name, 'write overlay:/PATH/TOP:BASE, where BASE is a disk such as file:/PATH')
  }
  if (shared) throw openRefusal(name, 'an overlay cannot be shared: leave out the ! of w!')
  const found = findDriver(drivers, storage)
  const base = await found.driver.open({ target: found.target, readonly: true })
  try {
    if (!readonly) await createIfMissing(path, base.size)
    return await overlayOf(name, path, base, host, readonly)
  } catch (error) {
    await base.close()
    throw openRefusal(name, reasonOf(error), error)
  }
}

async function createIfMissing(path: string, size: number): Promise<void> {
  const isMissing = await statPath(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  )
  if (isMissing) await createOverlay(path, size)
}

async function overlayOf(
  name: string,
  path: string,
  base: Disk,
  { locks, io }: RawHost,
  readonly: boolean,
): Promise<Disk> {
  const stats = await statPath(path)
  const identity = `inode ${stats.dev}:${stats.ino}`
  // Before the map is read: another process may write it.
  const lock = await locks.hold(identity, !readonly)
  if (typeof lock === 'number') throw new Error(`process ${lock} has it: end its use there`)
  let top: OverlayFile | undefined
  try {
    top = await openOverlay(path, readonly, io)
    if (top.size !== base.size) {
      throw new Error(
        `its top was made over a base of ${top.size} bytes, and this one has ${base.size}: take the right one`,
      )
    }
    return new OverlayDisk({ name, base, top, readonly, identity, lock, watch: watchPlace(path, stats) })
  } catch (error) {
    await top?.raw.close()
    lock.release()
    throw error
  }
}
