import { bugOn } from '@paravane/core'
import { EINVAL } from '@paravane/core/abi'
import type { Mmu } from './mmu.ts'
import { isUnfinished, RESTART } from './outcome.ts'
import {
  DYING,
  INFO,
  KERNEL_ROOT,
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
    for (const gmfn of gmfns) addRecord(mmu, gmfn, OWNED, 0)
  } finally {
    mmu.release()
  }
}

/** A frame of Xen's that the domain may map, writable too, but never use as a table: shared_info, grant frames. */
export function addXenFrame(mmu: Mmu, gmfn: number): void {
  mmu.acquire()
  try {
    addRecord(mmu, gmfn, OWNED | XEN_HEAP | TYPE_WRITABLE, 1)
  } finally {
    mmu.release()
  }
}

function addRecord({ info }: Mmu, gmfn: number, flags: number, types: number): void {
  bugOn(!(gmfn >= 0 && gmfn < info.nrGmfns) || info.owns(gmfn), 'a frame given to a domain that has it')
  const at = info.record(gmfn)
  info.i32[at + INFO] = flags
  info.i32[at + REF_COUNT] = 1
  info.i32[at + TYPE_COUNT] = types
  info.i32[at + STAMP] = info.epoch - 1
}

/**
 * Takes a frame away from the domain, after making sure that no vCPU has it cached; its M2P entry becomes invalid. False,
 * with nothing done, if it is not the domain's RAM or is still mapped, typed, pinned or held. Its memory is the caller's.
 */
export function removeFrame(mmu: Mmu, gmfn: number): boolean {
  mmu.enterAfterAll()
  try {
    if (!mmu.info.owns(gmfn)) return false
    const { i32 } = mmu.info
    const at = mmu.info.record(gmfn)
    if ((i32[at + INFO] & (XEN_HEAP | DYING)) !== 0 || i32[at + REF_COUNT] !== 1 || i32[at + TYPE_COUNT] !== 0)
      return false
    mmu.types.forget(gmfn)
    i32[at + INFO] = 0
    i32[at + REF_COUNT] = 0
    mmu.memory.setM2p(gmfn, -1, -1)
    return true
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
