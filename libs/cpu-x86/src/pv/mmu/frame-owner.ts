import type { DomainFrames } from '@paravane/core'
import {
  addRecord,
  addXenRecord,
  exchangeFrames,
  holdFrame,
  isUnused,
  removeFrame,
  unholdFrame,
} from './domain-frames.ts'
import { type FrameAllocator, NO_PFN, nameFrames, SHARED_PFN } from './frame-allocator.ts'
import type { Mmu } from './mmu.ts'

/** core's view of a domain's frames, for memory_op, grants and registered areas. */
export function domainFrames(mmu: Mmu, allocator: FrameAllocator): DomainFrames {
  return {
    limit: mmu.info.nrGmfns,
    populate: (pfn, order = 0) =>
      locked(mmu, () => {
        const gmfn = allocator.hasRoom(2 ** order) ? allocator.allocate(order) : -1
        if (gmfn < 0) return -1
        for (let i = 0; i < 2 ** order; i++) addRecord(mmu, gmfn + i)
        nameFrames(mmu, gmfn, pfn, order)
        return gmfn
      }),
    release: (gmfn) => removeFrame(mmu, gmfn, allocator),
    unused: (gmfn) => locked(mmu, () => isUnused(mmu, gmfn)),
    exchange: (given, order, pfns) => exchangeFrames(mmu, allocator, given, order, pfns),
    allocateShared: () =>
      locked(mmu, () => {
        const gmfn = allocator.allocateShared()
        if (gmfn < 0) return -1
        addXenRecord(mmu, gmfn)
        mmu.memory.setM2p(gmfn, SHARED_PFN, NO_PFN)
        return gmfn
      }),
    get: (gmfn, writable) => holdFrame(mmu, gmfn, writable),
    put: (gmfn, writable) => unholdFrame(mmu, gmfn, writable),
  }
}

function locked<T>(mmu: Mmu, body: () => T): T {
  mmu.acquire()
  try {
    return body()
  } finally {
    mmu.release()
  }
}
