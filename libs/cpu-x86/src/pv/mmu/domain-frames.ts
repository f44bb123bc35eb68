import { bugOn } from '@paravane/core'
import { EINVAL, ENOMEM } from '@paravane/core/abi'
import { type FrameAllocator, nameFrames } from './frame-allocator.ts'
import type { Mmu } from './mmu.ts'
import { isUnfinished, RESTART } from './outcome.ts'
import {
  DYING,
  INFO,
  KERNEL_ROOT,
  LINEAR,
  OWNED,
  PINNED,
  REF_COUNT,
  STAMP,
  TYPE_COUNT,
  TYPE_L4,
  TYPE_WRITABLE,
  XEN_HEAP,
} from './page-info.ts'

/** The frames are the domain's RAM from now on. They must not have been anything to it. */
export function addFrames(mmu: Mmu, gmfns: Iterable<number>): void {
  mmu.acquire()
  try {
    for (const gmfn of gmfns) addRecord(mmu, gmfn)
  } finally {
    mmu.release()
  }
}

/** A frame of Xen's that the domain may map, writable too, but never use as a table: shared_info, grant frames. */
export function addXenFrame(mmu: Mmu, gmfn: number): void {
  mmu.acquire()
  try {
    addXenRecord(mmu, gmfn)
  } finally {
    mmu.release()
  }
}

/** {@link addXenFrame} for who holds the page lock. */
export function addXenRecord(mmu: Mmu, gmfn: number): void {
  addRecord(mmu, gmfn, OWNED | XEN_HEAP | TYPE_WRITABLE, 1)
}

/** {@link addFrames} of one frame, for who holds the page lock. */
export function addRecord({ info }: Mmu, gmfn: number, flags: number = OWNED, types: number = 0): void {
  bugOn(!(gmfn >= 0 && gmfn < info.nrGmfns) || info.owns(gmfn), 'a frame given to a domain that has it')
  const at = info.record(gmfn)
  info.i32[at + INFO] = flags
  info.i32[at + REF_COUNT] = 1
  info.i32[at + TYPE_COUNT] = types
  info.i32[at + STAMP] = info.epoch - 1
  info.i32[at + LINEAR] = 0
}

/**
 * Takes a frame away from the domain, after making sure that no vCPU has it cached; its M2P entry becomes invalid. False,
 * with nothing done, if it is not the domain's RAM or is still mapped, typed, pinned or held.
 */
export function removeFrame(mmu: Mmu, gmfn: number, allocator: FrameAllocator): boolean {
  mmu.enterAfterAll()
  try {
    const removable = isUnused(mmu, gmfn)
    if (removable) removeRecord(mmu, gmfn, allocator)
    return removable
  } finally {
    mmu.leave()
  }
}

/** The domain's RAM, and neither mapped, typed, pinned nor held. */
export function isUnused({ info }: Mmu, gmfn: number): boolean {
  if (!info.owns(gmfn)) return false
  const at = info.record(gmfn)
  return (
    (info.i32[at + INFO] & (XEN_HEAP | DYING)) === 0 &&
    info.i32[at + REF_COUNT] === 1 &&
    info.i32[at + TYPE_COUNT] === 0
  )
}

function removeRecord(mmu: Mmu, gmfn: number, allocator: FrameAllocator): void {
  const { i32 } = mmu.info
  const at = mmu.info.record(gmfn)
  mmu.types.forget(gmfn)
  i32[at + INFO] = 0
  i32[at + REF_COUNT] = 0
  mmu.memory.setM2p(gmfn, -1, -1)
  allocator.free(gmfn)
}

/**
 * Takes frames from the domain and gives it others, 2^order side by side for each of `pfns`. As in Xen the new ones are
 * found before the old ones are let go.
 * @returns the first of each, or -EINVAL if one of `given` is in use or named twice, -ENOMEM; nothing is done then
 */
export function exchangeFrames(
  mmu: Mmu,
  allocator: FrameAllocator,
  given: readonly number[],
  order: number,
  pfns: readonly number[],
): readonly number[] | number {
  mmu.enterAfterAll()
  try {
    if (new Set(given).size < given.length || !given.every((gmfn) => isUnused(mmu, gmfn))) return -EINVAL
    const fresh: number[] = []
    while (fresh.length < pfns.length) {
      const first = allocator.allocate(order)
      if (first < 0) break
      for (let i = 0; i < 2 ** order; i++) addRecord(mmu, first + i)
      fresh.push(first)
    }
    const enough = fresh.length === pfns.length
    const unwanted = enough ? given : fresh.flatMap((first) => Array.from({ length: 2 ** order }, (_, i) => first + i))
    for (const gmfn of unwanted) removeRecord(mmu, gmfn, allocator)
    if (!enough) return -ENOMEM
    for (const [n, first] of fresh.entries()) nameFrames(mmu, first, pfns[n], order)
    return fresh
  } finally {
    mmu.leave()
  }
}

/** Holds a frame against removal, and for `writable` against becoming a table. False if it is not or cannot be so. */
export function holdFrame(mmu: Mmu, gmfn: number, writable: boolean): boolean {
  mmu.enterAfterAll()
  try {
    return (writable ? mmu.types.getPageAndType(gmfn, TYPE_WRITABLE) : mmu.types.getPage(gmfn)) === 0
  } finally {
    mmu.leave()
  }
}

export function unholdFrame(mmu: Mmu, gmfn: number, writable: boolean): void {
  mmu.acquire()
  try {
    if (writable) mmu.types.putPageAndType(gmfn)
    else mmu.types.putPage(gmfn)
  } finally {
    mmu.release()
  }
}

/**
 * What the toolstack does once the builder has written the page tables: every frame of `frames` becomes the domain's, the
 * root is pinned (so the whole tree is validated) and is the kernel root of vCPU 0. Before the domain runs.
 * @returns 0, or -EINVAL / -EBUSY if the tables are not what direct paging allows
 */
export function adoptBuiltDomain(mmu: Mmu, root: number, frames: Iterable<number>): number {
  addFrames(mmu, frames)
  return adoptRoot(mmu, root, true) || adoptRoot(mmu, root, false)
}

function adoptRoot(mmu: Mmu, root: number, pin: boolean): number {
  for (;;) {
    mmu.enterAfterAll()
    try {
      if (!mmu.info.owns(root)) return -EINVAL
      const rc = mmu.types.getPageAndType(root, TYPE_L4)
      bugOn(isUnfinished(rc) && rc !== RESTART, 'a page table of a new domain is absent')
      if (rc === RESTART) continue
      if (rc !== 0) return rc
      const { i32 } = mmu.info
      if (pin) i32[mmu.info.record(root) + INFO] |= PINNED
      else i32[mmu.info.vcpu(0) + KERNEL_ROOT] = root + 1
      return 0
    } finally {
      mmu.leave()
    }
  }
}
