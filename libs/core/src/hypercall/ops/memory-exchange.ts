import { EFAULT, EINVAL, EPERM } from '../../abi/errno.ts'
import { xen_memory_exchange } from '../../abi/memory.ts'
import { CONTINUE } from '../continuation.ts'
import { GuestCopy, handleOkay } from '../guest-handle.ts'
import type { HypercallArgs } from '../hypercall-args.ts'
import type { HypercallContext } from '../hypercall-context.ts'
import type { HypercallResult, SubOpHandler } from '../table.ts'
import { notSelf } from '../whose.ts'
import { MAX_ORDER } from './memory-reservation.ts'

/** What one chunk exchanges: 2^n extents of the smaller order for one of the larger. */
interface Chunk {
  readonly inOrder: number
  readonly inCount: number
  readonly outOrder: number
  readonly outCount: number
}

/** Extents `first` to `first + count` of a list, or undefined for -EFAULT. */
function readList(ctx: HypercallContext, list: bigint, first: bigint, count: number): GuestCopy | undefined {
  const copy = new GuestCopy(count * 8)
  return copy.copyFrom(ctx.guest, list + first * 8n) ? copy : undefined
}

/** A frame number of a list; one past what a number holds is no frame. */
const numberAt = (copy: GuestCopy, i: number): number => {
  const hi = copy.view.getUint32(i * 8 + 4, true)
  return hi < 0x20_0000 ? hi * 2 ** 32 + copy.view.getUint32(i * 8, true) : -1
}

/**
 * XENMEM_exchange: gives frames up and gets as many others, in extents of other sizes. Chunk by chunk; `nr_exchanged` in the
 * guest's structure says how many extents of the list `in` are done, after an error too.
 */
export const exchangeMemory: SubOpHandler = (ctx, copy, args) => {
  const { view } = copy
  const given = xen_memory_exchange.in
  const wanted = xen_memory_exchange.out
  const inOrder = given.extent_order.get(view, 0)
  const outOrder = wanted.extent_order.get(view, 0)
  const inCount = given.nr_extents.get(view, 0)
  const outCount = wanted.nr_extents.get(view, 0)
  const done = xen_memory_exchange.nr_exchanged.get(view, 0)
  if (inOrder > MAX_ORDER || outOrder > MAX_ORDER) return -EPERM
  const pages = inCount << BigInt(inOrder)
  if (done > inCount || given.domid.get(view, 0) !== wanted.domid.get(view, 0) || pages >> 64n !== 0n) return -EINVAL
  if (pages !== outCount << BigInt(outOrder)) return -EINVAL
  if (done === inCount) return 0
  const [list, out] = [given.extent_start.get(view, 0), wanted.extent_start.get(view, 0)]
  if (!handleOkay(list) || !handleOkay(out)) return -EFAULT
  const foreign = notSelf(ctx, given.domid.get(view, 0))
  if (foreign !== 0) return foreign
  const larger = Math.max(inOrder, outOrder)
  const chunk = { inOrder, inCount: 2 ** (larger - inOrder), outOrder, outCount: 2 ** (larger - outOrder) }
  return exchangeChunks(ctx, copy, args, chunk)
}

function exchangeChunks(ctx: HypercallContext, copy: GuestCopy, args: HypercallArgs, chunk: Chunk): HypercallResult {
  const { nr_exchanged } = xen_memory_exchange
  const count = xen_memory_exchange.in.nr_extents.get(copy.view, 0)
  const size = BigInt(chunk.inCount)
  const first = nr_exchanged.get(copy.view, 0) / size
  for (let i = first; i < count / size; i++) {
    if (i !== first) return CONTINUE
    const failed = exchangeChunk(ctx, copy, chunk, i)
    if (failed !== 0) return failed
    // The page was probed, so progress is never lost.
    nr_exchanged.set(copy.view, 0, (i + 1n) * size)
    copy.copyTo(ctx.guest, args.u64(1))
  }
  nr_exchanged.set(copy.view, 0, count)
  return 0
}

function exchangeChunk(ctx: HypercallContext, { view }: GuestCopy, chunk: Chunk, i: bigint): number {
  const { inOrder, inCount, outOrder, outCount } = chunk
  const given = readList(ctx, xen_memory_exchange.in.extent_start.get(view, 0), i * BigInt(inCount), inCount)
  if (given === undefined) return -EFAULT
  const at = xen_memory_exchange.out.extent_start.get(view, 0) + i * BigInt(outCount) * 8n
  const out = new GuestCopy(outCount * 8)
  // Both lists are read, and the one to be written was written, before a frame changes hands.
  if (!out.copyFrom(ctx.guest, at) || !out.copyTo(ctx.guest, at)) return -EFAULT
  const frames = Array.from({ length: inCount << inOrder }, (_, n) => {
    const start = numberAt(given, n >> inOrder)
    return start < 0 ? -1 : start + (n & ((1 << inOrder) - 1))
  })
  const pfns = Array.from({ length: outCount }, (_, n) => Math.max(numberAt(out, n), 0))
  const fresh = ctx.domain.frames.exchange(frames, outOrder, pfns)
  if (typeof fresh === 'number') return fresh
  for (const [n, gmfn] of fresh.entries()) out.view.setBigUint64(n * 8, BigInt(gmfn), true)
  out.copyTo(ctx.guest, at)
  return 0
}
