import { DOMAIN } from '@paravane/core'
import type { FrameAllocator } from './mmu/frame-allocator.ts'
import type { PvDomain } from './pv-domain.ts'

/**
 * The first of Xen's gmfns; grant frames follow. start_info gives shared_info by its machine address, and GRUB compares that number with
 * gmfns as it stands: it may be none that a domain has, and a domain has fewer than 2^20.
 */
export const SHARED_INFO_GMFN = 0x100
/** The guest's RAM follows, pfn n at gmfn n + this. */
export const FIRST_RAM_GMFN = 0x200

/** gmfns a domain has beyond its pages, so that XENMEM_exchange finds contiguous ones before it frees what it is given. */
export const SPARE_GMFNS = 1024

/**
 * Finds gmfns that are nobody's. A gmfn always has the same place in the domain's memory, present or not. The caller holds
 * the page lock.
 */
export class GmfnAllocator implements FrameAllocator {
  readonly #domain: PvDomain
  /** Below it nothing was free when this thread last looked. */
  #hint = FIRST_RAM_GMFN

  constructor(domain: PvDomain) {
    this.#domain = domain
  }

  hasRoom(pages: number): boolean {
    const { memory } = this.#domain.state
    return DOMAIN.totPages.load(memory, 0) + pages <= DOMAIN.maxPages.load(memory, 0)
  }

  allocate(order: number): number {
    const { gmfns } = this.#domain.plan
    const size = 2 ** order
    const start = order === 0 ? this.#hint : FIRST_RAM_GMFN
    let gmfn = this.#take(start, gmfns, size)
    if (gmfn < 0 && start > FIRST_RAM_GMFN) gmfn = this.#take(FIRST_RAM_GMFN, start, size)
    if (gmfn < 0) return -1
    if (order === 0) this.#hint = gmfn + 1
    DOMAIN.totPages.add(this.#domain.state.memory, 0, size)
    return gmfn
  }

  allocateShared(): number {
    return this.#take(SHARED_INFO_GMFN, FIRST_RAM_GMFN, 1)
  }

  free(gmfn: number): void {
    this.#domain.absent(gmfn)
    if (gmfn < this.#hint) this.#hint = gmfn
    DOMAIN.totPages.add(this.#domain.state.memory, 0, -1)
  }

  /** The first of `size` free gmfns side by side, aligned to their number. */
  #take(from: number, to: number, size: number): number {
    const { info } = this.#domain.mmu
    for (let first = Math.ceil(from / size) * size; first + size <= to; first += size) {
      let free = 0
      while (free < size && !info.owns(first + free)) free++
      if (free < size) continue
      for (let i = 0; i < size; i++) this.#domain.present(first + i, -1)
      return first
    }
    return -1
  }
}
