import { constants } from 'node:fs'
import { isAbsolute } from 'node:path'
import { CodedError, type Disk, type StorageDriver, type StorageRequest } from '@paravane/core'
import { RawDisk } from './raw-disk.ts'
import { openRawFile, type RawFile, reasonOf, statFile } from './raw-file.ts'

/** `file:PATH`, a raw image: byte N of the file is byte N of the disk. It may have holes. */
export function fileDriver(): StorageDriver {
  return { open: openFile }
}

async function openFile({ target, readonly }: StorageRequest): Promise<Disk> {
  if (!isAbsolute(target)) throw refusal(target, 'give its whole path, from / on')
  const { O_RDONLY, O_RDWR } = constants
  // Not O_NONBLOCK: a FIFO would be no disk anyway, and is refused below.
  const file = await openRawFile(target, readonly ? O_RDONLY : O_RDWR).catch((error: unknown) => {
    throw refusal(target, reasonOf(error), error)
  })
  try {
    return await diskOf(file, readonly)
  } catch (error) {
    await file.close()
    throw error
  }
}

async function diskOf(file: RawFile, readonly: boolean): Promise<Disk> {
  const { path } = file
  const stats = await statFile(file.fd)
  if (stats.isBlockDevice()) throw refusal(path, `it is a block device: say phy:${path}`)
  if (!stats.isFile()) throw refusal(path, 'it is no regular file')
  return new RawDisk(file, { size: Number(stats.size), readonly, identity: `inode ${stats.dev}:${stats.ino}` })
}

function refusal(target: string, why: string, cause?: unknown): CodedError<{ code: 'DISK_OPEN'; target: string }> {
  return new CodedError({ code: 'DISK_OPEN', target }, `file:${target}: ${why}`, { cause })
}
