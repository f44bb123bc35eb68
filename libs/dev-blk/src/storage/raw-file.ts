import { type BigIntStats, close, fdatasync, fstat, open, readv, stat, writev } from 'node:fs'
import { promisify } from 'node:util'
import { DiskError, type DiskErrorCode } from '@paravane/core'
import { EndOfFile, type IoThread } from './io-thread.ts'
import { behind } from './pieces.ts'

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

/** @param io takes what is fast; without it all goes by Node's thread pool */
export async function openRawFile(path: string, flags: number, io?: IoThread): Promise<RawFile> {
  return new OpenFile(path, await promisify(open)(path, flags), io)
}

export const statPath: (path: string) => Promise<BigIntStats> = (path) => promisify(stat)(path, { bigint: true })
export const statFile: (fd: number) => Promise<BigIntStats> = (fd) => promisify(fstat)(fd, { bigint: true })

type Transfer = (
  fd: number,
  buffers: readonly NodeJS.ArrayBufferView[],
  position: number,
  done: (error: NodeJS.ErrnoException | null, count: number) => void,
) => void

class OpenFile implements RawFile {
  readonly path: string
  readonly fd: number
  readonly #io: IoThread | undefined

  constructor(path: string, fd: number, io: IoThread | undefined) {
    this.path = path
    this.fd = fd
    this.#io = io
  }

  read(offset: number, into: readonly Uint8Array[]): Promise<void> {
    if (this.#io?.takes(into)) return this.#byThread(this.#io.transfer('read', this.fd, offset, into))
    return this.#byPool(readv as Transfer, offset, into)
  }

  write(offset: number, from: readonly Uint8Array[]): Promise<void> {
    if (this.#io?.takes(from)) return this.#byThread(this.#io.transfer('write', this.fd, offset, from))
    return this.#byPool(writev as Transfer, offset, from)
  }

  sync(): Promise<void> {
    return promisify(fdatasync)(this.fd).catch((error: unknown) => Promise.reject(diskError(this.path, error)))
  }

  close(): Promise<void> {
    this.#io?.forget(this.fd)
    return promisify(close)(this.fd).catch((error: unknown) => Promise.reject(diskError(this.path, error)))
  }

  #byThread(work: Promise<void>): Promise<void> {
    return work.catch((error: unknown) => Promise.reject(this.#error(error)))
  }

  /** One call may do a part only: of many buffers, or before a limit of the host. */
  #byPool(transfer: Transfer, offset: number, buffers: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const next = (at: number, left: readonly Uint8Array[]): void =>
        transfer(this.fd, left, at, (error, count) => {
          if (error !== null) return reject(this.#error(error))
          const rest = behind(left, count)
          if (rest.length === 0) resolve()
          else if (count === 0) reject(this.#error(new EndOfFile()))
          else next(at + count, rest)
        })
      next(offset, buffers)
    })
  }

  #error(error: unknown): DiskError {
    if (error instanceof EndOfFile) return new DiskError('DISK_GONE', this.path, 'it ends before: it was made shorter')
    return diskError(this.path, error)
  }
}
