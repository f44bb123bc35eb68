import { type Disk, DiskError } from '@paravane/core'
import {
  BLKIF_DISCARD_SECURE,
  BLKIF_OP_DISCARD,
  BLKIF_OP_FLUSH_DISKCACHE,
  BLKIF_OP_READ,
  BLKIF_OP_WRITE,
  BLKIF_OP_WRITE_BARRIER,
  BLKIF_RSP_EOPNOTSUPP,
  BLKIF_RSP_ERROR,
} from '@paravane/core/abi'
import { fits } from './fits.ts'
import type { GuestPages } from './guest-pages.ts'
import type { RingEntry } from './ring-entry.ts'
import type { Transfer } from './transfer.ts'

/** A request that was taken from the ring. */
export interface Request {
  readonly disk: Disk
  readonly entry: RingEntry
  readonly transfer: Transfer
  readonly pages: GuestPages
  /** Writes are answered when they are flushed. */
  readonly writesThrough: boolean
}

/** What is to be done for a request; `alone`: after all before it, and before all after it. */
export interface Work {
  readonly run: () => Promise<void>
  readonly alone: boolean
}

/** Looks at a request. @returns what is to be done; or BLKIF_RSP_* at once, with nothing in use */
export type Operation = (request: Request) => Work | number

/** xen/io/blkif.h. */
export const OPERATIONS: Readonly<Record<number, Operation>> = {
  [BLKIF_OP_READ]: (request) =>
    moving(request, false, ({ offset, views }, disk) => ({ run: () => disk.read(offset, views), alone: false })),
  [BLKIF_OP_WRITE]: (request) => moving(request, true, request.writesThrough ? writingThrough : writing),
  [BLKIF_OP_FLUSH_DISKCACHE]: (request) => flushing(request, false),
  [BLKIF_OP_WRITE_BARRIER]: (request) => flushing(request, true),
  [BLKIF_OP_DISCARD]: discard,
}

/**
 * None of xen/io/blkif.h's. Linux's front end takes BLKIF_RSP_ERROR for a flush that brings nothing as if there were nothing to flush, and tells who
 * asked that all is durable (drivers/block/xen-blkfront.c, blkif_interrupt, up to 6.12 at least); any other it hands on as an I/O error.
 */
const EMPTY_FLUSH_FAILED = -5

export const isFlush = (operation: number): boolean =>
  operation === BLKIF_OP_FLUSH_DISKCACHE || operation === BLKIF_OP_WRITE_BARRIER

/** The answer to a request that the storage could not do. */
export function answerTo({ operation, length }: Transfer, error: unknown): number {
  if (error instanceof DiskError && error.code === 'DISK_UNSUPPORTED') return BLKIF_RSP_EOPNOTSUPP
  return isFlush(operation) && length === 0 ? EMPTY_FLUSH_FAILED : BLKIF_RSP_ERROR
}

function writing({ offset, views }: Transfer, disk: Disk): Work {
  return { run: () => disk.write(offset, views), alone: false }
}

function writingThrough({ offset, views }: Transfer, disk: Disk): Work {
  return {
    run: async () => {
      await disk.write(offset, views)
      await disk.flush()
    },
    alone: false,
  }
}

/** A flush alone has no segments; with some they are written behind it. A barrier flushes them, too. */
function flushing(request: Request, barrier: boolean): Work | number {
  const { disk, entry } = request
  if (entry.isIndirect) return BLKIF_RSP_ERROR
  if (entry.segments === 0) return { run: () => disk.flush(), alone: barrier }
  return moving(request, true, ({ offset, views }) => ({
    run: async () => {
      await disk.flush()
      await disk.write(offset, views)
      if (barrier) await disk.flush()
    },
    alone: barrier,
  }))
}

function moving(
  { disk, entry, transfer, pages }: Request,
  writes: boolean,
  work: (transfer: Transfer, disk: Disk) => Work,
): Work | number {
  if (entry.segments === 0 || (writes && disk.readonly)) return BLKIF_RSP_ERROR
  if (!transfer.take(entry, pages, writes)) return BLKIF_RSP_ERROR
  if (fits(disk, transfer.offset, transfer.length)) return work(transfer, disk)
  transfer.release(pages)
  return BLKIF_RSP_ERROR
}

function discard({ disk, entry, transfer: { offset } }: Request): Work | number {
  const { discardBytes, discardFlag } = entry
  const { discard: way } = disk
  if (entry.isIndirect) return BLKIF_RSP_ERROR
  if (way === undefined || (discardFlag & BLKIF_DISCARD_SECURE) !== 0) return BLKIF_RSP_EOPNOTSUPP
  if (disk.readonly || discardBytes === 0 || !fits(disk, offset, discardBytes)) return BLKIF_RSP_ERROR
  return { run: () => way.discard(offset, discardBytes), alone: false }
}
