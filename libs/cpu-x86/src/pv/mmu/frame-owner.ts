import type { DomainFrames } from '@paravane/core'
import { addFrames, addXenFrame, holdFrame, removeFrame, unholdFrame } from './domain-frames.ts'
import type { Mmu } from './mmu.ts'

/** Where a domain's frames come from: memory behind a gmfn, by the physmap. It keeps count in `DOMAIN.totPages`. */
export interface FrameAllocator {
  /** A gmfn with zeroed memory; -1 if the domain may have no more or the host has none. */
  allocate(): number
  /** The same for a frame of Xen's that does not count as the domain's. */
  allocateShared(): number
  /** The domain has let go of it, and no vCPU has it cached. */
  free(gmfn: number): void
}

/** Halves of the M2P entries of frames that are no pseudo-physical page: the guest's, and Xen's shared ones. */
const NO_PFN = -1
const SHARED_PFN = -2

/** core's view of a domain's frames, for memory_op, grants and registered areas. */
export function domainFrames(mmu: Mmu, allocator: FrameAllocator): DomainFrames {
  return {
    limit: mmu.info.nrGmfns,
    populate: (pfn) => {
      const gmfn = allocator.allocate()
      if (gmfn < 0) return -1
      addFrames(mmu, [gmfn])
      mmu.memory.setM2p(gmfn, pfn, pfn < 0 ? NO_PFN : 0)
      return gmfn
    },
    release: (gmfn) => {
      const removed = removeFrame(mmu, gmfn)
      if (removed) allocator.free(gmfn)
      return removed
    },
    allocateShared: () => {
      const gmfn = allocator.allocateShared()
      if (gmfn < 0) return -1
      addXenFrame(mmu, gmfn)
      mmu.memory.setM2p(gmfn, SHARED_PFN, NO_PFN)
      return gmfn
    },
    get: (gmfn, writable) => holdFrame(mmu, gmfn, writable),
    put: (gmfn, writable) => unholdFrame(mmu, gmfn, writable),
  }
}
