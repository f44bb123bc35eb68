import type { Disk, StorageDriver, StorageRequest } from '@paravane/core'
import { isLocal } from './local-files.ts'
import { holes } from './punch-hole.ts'
import { RawDisk } from './raw-disk.ts'
import { statFile } from './raw-file.ts'
import { openRaw, type RawHost, type RawKind } from './raw-open.ts'

const KIND: RawKind = {
  scheme: 'file',
  refuses: (stats) => {
    if (stats.isBlockDevice()) return 'it is a block device: say phy: instead of file:'
    return stats.isFile() ? undefined : 'it is no regular file'
  },
  identity: ({ dev, ino }) => `inode ${dev}:${ino}`,
  exclusive: 0,
}

/** `file:PATH`, a raw image: byte N of the file is byte N of the disk. It may have holes. */
export function fileDriver(host: RawHost): StorageDriver {
  return { open: (request) => openFile(host, request) }
}

async function openFile(host: RawHost, request: StorageRequest): Promise<Disk> {
  const { readonly } = request
  const { file, stats, identity, lock } = await openRaw(KIND, host, request)
  return new RawDisk({
    file,
    stats,
    size: Number(stats.size),
    sectorSize: 512,
    // What file systems write in one piece.
    physicalSectorSize: 4096,
    readonly,
    identity,
    lock,
    lends: await isLocal(file.path),
    discard: readonly ? undefined : holes(file.path, file.fd),
    measure: async () => Number((await statFile(file.fd)).size),
  })
}
