import { type BigIntStats, close, fdatasync, fstat, open, readv, stat, writev } from 'node:fs'
import { promisify } from 'node:util'
import { DiskError, type DiskErrorCode } from '@paravane/core'

/** A file or block device of the host that is open, as storage drivers use it. All that fails is a {@link DiskError}. */
export interface RawFile {
  readonly path: string
  readonly fd: number
  /** Fills all of the buffers. */
  read(offset: number, into: readonly Uint8Array[]): Promise<void>
  /** Writes all of the buffers. */
  write(offset: number, from: readonly Uint8Array[]): Promise<void>
  /** fdatasync(2). */
  sync(): Promise<void>
  close(): Promise<void>
}

const CODES: Readonly<Record<string, DiskErrorCode>> = {
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  ENODEV: 'DISK_GONE',
  ENXIO: 'DISK_GONE',
  ESTALE: 'DISK_GONE',
  EBADF: 'DISK_CLOSED',
  EROFS: 'DISK_READONLY',
  EPERM: 'DISK_READONLY',
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied: let the user that runs the hypervisor use it',
  EBUSY: 'in use by somebody else on this host (mounted, part of a RAID or a volume group): end that use first',
  EDQUOT: "the user's quota of disk space is used up",
  EFBIG: 'larger than its file system allows',
  EIO: 'the host cannot read or write it (input/output error)',
  ELOOP: 'too many symbolic links',
  EMFILE: 'the hypervisor has too many files open: raise its limit (ulimit -n)',
  ENODEV: 'the device is not there any more',
  ENOENT: 'there is no such file',
  ENOSPC: 'no space is left on its file system',
  ENOTDIR: 'a part of its path is no folder',
  ENXIO: 'the device is not there any more',
  EROFS: 'its file system is read-only: ask for it read-only (mode r), or remount it',
  ETXTBSY: 'it is a program that runs',
}

/** What went wrong, in words for the operator. */
export function diskError(target: string, error: unknown): DiskError {
  if (error instanceof DiskError) return error
  const code = (error as NodeJS.ErrnoException).code ?? ''
  return new DiskError(CODES[code] ?? 'DISK_IO', target, reasonOf(error), { cause: error })
}

/** The reason without a path or a call's name. */
export function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  return REASONS[code] ?? message.split('\n')[0] ?? code
}

export async function openRawFile(path: string, flags: number): Promise<RawFile> {
  return new UvFile(path, await promisify(open)(path, flags))
}

export const statPath: (path: string) => Promise<BigIntStats> = (path) => promisify(stat)(path, { bigint: true })
export const statFile: (fd: number) => Promise<BigIntStats> = (fd) => promisify(fstat)(fd, { bigint: true })

type Transfer = (
  fd: number,
  buffers: readonly NodeJS.ArrayBufferView[],
  position: number,
  done: (error: NodeJS.ErrnoException | null, count: number) => void,
) => void

/** By Node's own thread pool. */
class UvFile implements RawFile {
  readonly path: string
  readonly fd: number

  constructor(path: string, fd: number) {
    this.path = path
    this.fd = fd
  }

  read(offset: number, into: readonly Uint8Array[]): Promise<void> {
    return this.#all(readv as Transfer, offset, into, 'it ends before: it was made shorter')
  }

  write(offset: number, from: readonly Uint8Array[]): Promise<void> {
    return this.#all(writev as Transfer, offset, from, 'the host wrote nothing')
  }

  sync(): Promise<void> {
    return promisify(fdatasync)(this.fd).catch((error: unknown) => Promise.reject(diskError(this.path, error)))
  }

  close(): Promise<void> {
    return promisify(close)(this.fd).catch((error: unknown) => Promise.reject(diskError(this.path, error)))
  }

  /** One call may do a part only: of many buffers, or before a limit of the host. */
  #all(transfer: Transfer, offset: number, buffers: readonly Uint8Array[], ended: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const next = (at: number, left: readonly Uint8Array[]): void =>
        transfer(this.fd, left, at, (error, count) => {
          if (error !== null) return reject(diskError(this.path, error))
          const rest = behind(left, count)
          if (rest.length === 0) resolve()
          else if (count === 0) reject(new DiskError('DISK_GONE', this.path, ended))
          else next(at + count, rest)
        })
      next(offset, buffers)
    })
  }
}

/** What is left of buffers of which `count` bytes are done. */
function behind(buffers: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let done = count
  let first = 0
  for (; first < buffers.length; first++) {
    const { length } = buffers[first] as Uint8Array
    if (done < length) break
    done -= length
  }
  const left = buffers.slice(first)
  if (done > 0) left[0] = (left[0] as Uint8Array).subarray(done)
  return left
}
