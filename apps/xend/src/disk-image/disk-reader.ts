import { open } from 'node:fs/promises'
import { CodedError, type Disk } from '@paravane/core'

/** A disk of which somebody wants to know what is on it. Its bytes are a guest's: anything. */
export interface DiskReader {
  /** Bytes. */
  readonly size: number
  /** @returns as many bytes as asked for @throws CodedError */
  read(offset: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** A raw image or a block device. @throws CodedError `DISK_UNREADABLE` */
export async function readFileAsDisk(path: string): Promise<DiskReader> {
  const unreadable = (cause: unknown): CodedError<{ code: 'DISK_UNREADABLE'; path: string }> =>
    new CodedError(
      { code: 'DISK_UNREADABLE', path },
      `cannot read the disk ${path}: ${(cause as Error).message}; name a disk image that can be read`,
      { cause },
    )
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable(cause)
  })
  try {
    const status = await file.stat()
    if (!status.isFile() && !status.isBlockDevice()) throw new Error('it is neither a file nor a block device')
    return {
      size: status.isFile() ? status.size : await deviceSize(path),
      read: async (offset, length) => {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset).catch((cause) => {
          throw unreadable(cause)
        })
        if (bytesRead < length) throw unreadable(new Error(`it ends at byte ${offset + bytesRead}`))
        return buffer
      },
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error instanceof CodedError ? error : unreadable(error)
  }
}

/** A disk that a storage driver opened; closing it is for who opened it. */
export function readDisk(disk: Disk): DiskReader {
  const { sectorSize } = disk
  return {
    size: disk.size,
    async read(offset, length) {
      const begin = Math.floor(offset / sectorSize) * sectorSize
      const end = Math.ceil((offset + length) / sectorSize) * sectorSize
      const bytes = new Uint8Array(end - begin)
      await disk.read(begin, [bytes])
      return bytes.subarray(offset - begin, offset - begin + length)
    },
    close: async () => {},
  }
}

async function deviceSize(path: string): Promise<number> {
  const { execFile } = await import('node:child_process')
  const { promisify } = await import('node:util')
  const { stdout } = await promisify(execFile)('blockdev', ['--getsize64', path])
  return Number(stdout)
}
