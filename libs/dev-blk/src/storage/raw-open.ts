import { type BigIntStats, constants } from 'node:fs'
import { isAbsolute } from 'node:path'
import { CodedError, type StorageRequest } from '@paravane/core'
import type { HostLock, HostLocks } from './host-locks.ts'
import type { IoThread } from './io-thread.ts'
import { openRawFile, type RawFile, reasonOf, statFile, statPath } from './raw-file.ts'

/** A file that is open, and held against other hypervisors. */
export interface OpenedRaw {
  readonly file: RawFile
  readonly stats: BigIntStats
  readonly identity: string
  readonly lock: HostLock | undefined
}

/** What the files of a host are opened with. */
export interface RawHost {
  readonly locks: HostLocks
  /** Reads and writes what is fast; without it all goes by Node's thread pool. */
  readonly io?: IoThread
}

/** What a driver says of the files it takes. */
export interface RawKind {
  readonly scheme: string
  /** Why a file is none of its kind; undefined if it is. */
  readonly refuses: (stats: BigIntStats) => string | undefined
  readonly identity: (stats: BigIntStats) => string
  /** Flags of open(2) for the first to write it. */
  readonly exclusive: number
}

/** Opens a path for {@link RawDisk}. @throws CodedError with nothing open or held */
export async function openRaw(kind: RawKind, { locks, io }: RawHost, request: StorageRequest): Promise<OpenedRaw> {
  const { target, readonly, shared = false } = request
  const refuse = (why: string, cause?: unknown): CodedError<{ code: 'DISK_OPEN'; target: string }> =>
    new CodedError({ code: 'DISK_OPEN', target }, `${kind.scheme}:${target}: ${why}`, { cause })
  if (!isAbsolute(target)) throw refuse('give its whole path, from / on')
  const before = await statPath(target).catch((error: unknown) => {
    throw refuse(reasonOf(error), error)
  })
  const refusal = kind.refuses(before)
  if (refusal !== undefined) throw refuse(refusal)

  const identity = kind.identity(before)
  const lock = shared ? undefined : await locks.hold(identity, !readonly)
  if (typeof lock === 'number') throw refuse(inUse(lock))
  const exclusive = lock?.first && !readonly ? kind.exclusive : 0
  try {
    const file = await openRawFile(target, (readonly ? constants.O_RDONLY : constants.O_RDWR) | exclusive, io)
    const stats = await statFile(file.fd)
    if (kind.identity(stats) === identity) return { file, stats, identity, lock }
    await file.close()
    throw new Error('it was replaced while it was opened; try again')
  } catch (error) {
    lock?.release()
    throw refuse(reasonOf(error), error)
  }
}

function inUse(pid: number): string {
  const who = pid === 0 ? 'another process of Paravane' : `process ${pid}, another hypervisor of this host,`
  return `${who} has it: end its use there, or say w! if both may write it`
}
