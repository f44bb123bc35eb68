import { XENMEMF_populate_on_demand, xen_memory_reservation } from '../../abi/memory.ts'
import { CONTINUE, ELEMENTS_PER_STRETCH } from '../continuation.ts'
import { GuestCopy, probeWrite } from '../guest-handle.ts'
import type { HypercallArgs } from '../hypercall-args.ts'
import type { HypercallContext } from '../hypercall-context.ts'
import type { HypercallResult, SubOpHandler } from '../table.ts'
import { isSelf } from '../whose.ts'

/** Extents done so far lie in the command from this bit on, so that a call that stops can go on. */
const EXTENT_SHIFT = 6n
const CMD_MASK = (1n << EXTENT_SHIFT) - 1n
const LONGEST_LIST = 1n << 57n
/** A domU may ask for 2^9 frames side by side, and no more. */
export const MAX_ORDER = 9

const frame = new GuestCopy(8)

/**
 * Does one extent after the other.
 * @param one does the extent of 2^order frames whose first is at `va`; false ends the call
 * @returns extents done in all: what could not be done, or is not the caller's, is no error
 */
function eachExtent(
  ctx: HypercallContext,
  { view }: GuestCopy,
  args: HypercallArgs,
  one: (va: bigint, order: number) => boolean,
): HypercallResult {
  const { extent_start, nr_extents, extent_order, domid } = xen_memory_reservation
  const count = nr_extents.get(view, 0)
  const list = extent_start.get(view, 0)
  let done = args.u64(0) >> EXTENT_SHIFT
  const order = extent_order.get(view, 0)
  if (count > LONGEST_LIST || order > MAX_ORDER || !isSelf(ctx, domid.get(view, 0))) return done
  const stretchEnd = Math.max(ELEMENTS_PER_STRETCH >> order, 1)
  for (let stretch = 0; done < count; stretch++) {
    if (stretch === stretchEnd) return CONTINUE
    if (!one(list === 0n ? 0n : list + done * 8n, order)) return done
    done++
    args.set(0, (args.u64(0) & CMD_MASK) | (done << EXTENT_SHIFT))
  }
  return done
}

const word = (): number => {
  const hi = frame.view.getUint32(4, true)
  return hi < 0x20_0000 ? hi * 0x1_0000_0000 + frame.view.getUint32(0, true) : Number.POSITIVE_INFINITY
}

function storeWord(value: number): void {
  frame.view.setBigUint64(0, BigInt(value), true)
}

/** IN: PFNs; OUT: the new frames. */
export const populatePhysmap: SubOpHandler = (ctx, arg, args) => {
  if (xen_memory_reservation.mem_flags.get(arg.view, 0) & XENMEMF_populate_on_demand) return args.u64(0) >> EXTENT_SHIFT
  return eachExtent(ctx, arg, args, (va, order) => {
    if (!frame.copyFrom(ctx.guest, va) || !probeWrite(ctx.guest, va, frame)) return false
    const pfn = word()
    if (pfn === Number.POSITIVE_INFINITY) return false
    const gmfn = ctx.domain.frames.populate(pfn, order)
    if (gmfn < 0) return false
    storeWord(gmfn)
    return frame.copyTo(ctx.guest, va)
  })
}

/** OUT: the new frames, if there is a list. */
export const increaseReservation: SubOpHandler = (ctx, arg, args) =>
  eachExtent(ctx, arg, args, (va, order) => {
    if (va !== 0n && (!frame.copyFrom(ctx.guest, va) || !probeWrite(ctx.guest, va, frame))) return false
    const gmfn = ctx.domain.frames.populate(-1, order)
    if (gmfn < 0) return false
    storeWord(gmfn)
    return va === 0n || frame.copyTo(ctx.guest, va)
  })

/** IN: frames to give up; one that is in use ends the call. */
export const decreaseReservation: SubOpHandler = (ctx, arg, args) =>
  eachExtent(ctx, arg, args, (va, order) => {
    if (!frame.copyFrom(ctx.guest, va)) return false
    const gmfn = word()
    if (!(gmfn < 0x7fff_ffff)) return false
    for (let i = 0; i < 2 ** order; i++) if (!ctx.domain.frames.release(gmfn + i)) return false
    return true
  })
