import type { Mmu } from './mmu.ts'

/**
 * Where a domain's frames come from: memory behind a gmfn, by the physmap. It keeps count in `DOMAIN.totPages`. Its callers
 * hold the page lock.
 */
export interface FrameAllocator {
  /** Whether the domain may have so many more. */
  hasRoom(pages: number): boolean
  /** 2^order gmfns side by side with zeroed memory, aligned to their number: the first; -1 if there are none. */
  allocate(order: number): number
  /** The same for a frame of Xen's that does not count as the domain's. */
  allocateShared(): number
  /** The domain has let go of it, and no vCPU has it cached. */
  free(gmfn: number): void
}

/** Halves of the M2P entries of frames that are no pseudo-physical page: the guest's, and Xen's shared ones. */
export const NO_PFN = -1
export const SHARED_PFN = -2

/** Names `2^order` frames from `gmfn` as the pseudo-physical pages from `pfn`; -1 for none. */
export function nameFrames(mmu: Mmu, gmfn: number, pfn: number, order: number): void {
  for (let i = 0; i < 2 ** order; i++) {
    if (pfn < 0) mmu.memory.setM2p(gmfn + i, NO_PFN, NO_PFN)
    else mmu.memory.setM2p(gmfn + i, (pfn + i) | 0, Math.floor((pfn + i) / 2 ** 32) | 0)
  }
}
