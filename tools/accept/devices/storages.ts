import { execFile } from 'node:child_process'
import { truncate, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { IscsiTarget } from '../../../apps/xend/test/storage/iscsi-target.ts'
import { NbdExport } from '../../../apps/xend/test/storage/nbd-export.ts'
import { Place } from '../../../apps/xend/test/storage/place.ts'
import { VolumeGroup } from '../../../apps/xend/test/storage/volume-group.ts'

const run = promisify(execFile)

/** A folder for one disk, with Debian's programs of storage beside it. */
export interface DiskPlace {
  readonly place: Place
  /** Of each disk. */
  readonly bytes: number
  /** Has something ended before the folder goes. */
  atEnd(end: () => Promise<unknown>): void
}

/** One scheme of storage, and how an empty disk of it is made. */
export interface Storage {
  readonly name: string
  /** @returns the disk as in `disk=`, before the device */
  readonly make: (at: DiskPlace) => Promise<string>
  /** A process of qemu-storage-daemon serves it. */
  readonly byDaemon?: true
  /** It takes room of the host as it is written. */
  readonly grows?: true
}

/** Makes a disk of each, has `work` use them, and takes everything away. */
export async function withDisks<T>(
  storages: readonly Storage[],
  bytes: number,
  work: (disks: readonly string[]) => Promise<T>,
): Promise<T> {
  const ends: (() => Promise<unknown>)[] = []
  try {
    const disks: string[] = []
    for (const { make } of storages) {
      const place = await Place.make(['qemu-storage-daemon', 'lvm', 'tgtd'])
      ends.push(() => place.close())
      disks.push(await make({ place, bytes, atEnd: (end) => ends.push(end) }))
    }
    return await work(disks)
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** Of the disk's size, with no room taken. */
export async function emptyFile({ place, bytes }: DiskPlace, name: string): Promise<string> {
  const path = place.path(name)
  await writeFile(path, '')
  await truncate(path, bytes)
  return path
}

const plainFile = (name: string): Storage => ({
  name,
  grows: true,
  make: async (at) => `${name}:${await emptyFile(at, 'disk.img')}`,
})

function ofFormat(scheme: string, format: string): Storage {
  return {
    name: scheme,
    byDaemon: true,
    grows: true,
    make: async ({ place, bytes }) => {
      const path = place.path(`disk.${format}`)
      await place.run('qemu-img', 'create', '-q', '-f', format, path, `${bytes}`)
      return `${scheme}:${path}`
    },
  }
}

/** Needs root, as do the next ones. */
const LOOP: Storage = {
  name: 'phy',
  make: async (at) => {
    const { stdout } = await run('losetup', ['--find', '--show', await emptyFile(at, 'disk.img')])
    const device = stdout.trim()
    at.atEnd(() => run('losetup', ['--detach', device]))
    return `phy:${device}`
  },
}

/** In stripes over two loop devices; where there is no device-mapper it is found by our extent map. */
const VOLUME: Storage = {
  name: 'lvm',
  make: async ({ place, bytes, atEnd }) => {
    const group = await VolumeGroup.make(place, `paravane${process.pid}`)
    atEnd(() => group.end())
    const target = `${group.name}/disk`
    await group.volumes.create(target, bytes, 2)
    return `lvm:${target}`
  },
}

const ISCSI: Storage = {
  name: 'iscsi',
  byDaemon: true,
  make: async ({ place, bytes, atEnd }) => {
    const target = await IscsiTarget.start(place, 'disk', bytes)
    atEnd(() => target.kill())
    return `iscsi://${target.portal}/${target.iqn}/1`
  },
}

const EXPORT: Storage = {
  name: 'nbd',
  grows: true,
  make: async (at) => {
    const server = await NbdExport.start(at.place, await emptyFile(at, 'disk.img'), at.place.path('nbd'))
    at.atEnd(() => server.end())
    return `nbd:${server.target}`
  },
}

const OVERLAY: Storage = {
  name: 'overlay',
  grows: true,
  make: async (at) => `overlay:${at.place.path('top')}:file:${await emptyFile(at, 'disk.img')}`,
}

/** Every scheme that comes with Paravane. */
export const STORAGES: readonly Storage[] = [
  plainFile('file'),
  LOOP,
  plainFile('tap:aio'),
  ofFormat('tap:qcow2', 'qcow2'),
  ofFormat('tap:vhd', 'vpc'),
  ofFormat('tap:vmdk', 'vmdk'),
  VOLUME,
  EXPORT,
  ISCSI,
  OVERLAY,
]
