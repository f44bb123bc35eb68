import { DOMAIN } from '@paravane/core'
import type { FrameAllocator } from './mmu/frame-owner.ts'
import type { PvDomain } from './pv-domain.ts'

/**
 * The first of Xen's gmfns; grant frames follow. start_info gives shared_info by its machine address, and GRUB compares that number with
 * gmfns as it stands: it may be none that a domain has, and a domain has fewer than 2^20.
 */
export const SHARED_INFO_GMFN = 0x100
/** The guest's RAM follows, pfn n at gmfn n + this. */
export const FIRST_RAM_GMFN = 0x200

/** Finds gmfns that are nobody's. A gmfn always has the same place in the domain's memory, present or not. */
export class GmfnAllocator implements FrameAllocator {
  readonly #domain: PvDomain

  constructor(domain: PvDomain) {
    this.#domain = domain
  }

  allocate(): number {
    const { memory } = this.#domain.state
    const room = DOMAIN.maxPages.load(memory, 0) > DOMAIN.totPages.load(memory, 0)
    const gmfn = room ? this.#take(FIRST_RAM_GMFN, this.#domain.plan.gmfns) : -1
    if (gmfn >= 0) DOMAIN.totPages.add(memory, 0, 1)
    return gmfn
  }

  allocateShared(): number {
    return this.#take(SHARED_INFO_GMFN, FIRST_RAM_GMFN)
  }

  free(gmfn: number): void {
    this.#domain.absent(gmfn)
    DOMAIN.totPages.add(this.#domain.state.memory, 0, -1)
  }

  #take(from: number, to: number): number {
    for (let gmfn = from; gmfn < to; gmfn++) {
      if (this.#domain.mmu.info.owns(gmfn)) continue
      this.#domain.present(gmfn, -1)
      return gmfn
    }
    return -1
  }
}
