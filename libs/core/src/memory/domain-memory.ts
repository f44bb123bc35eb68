/**
 * A domain's memory as the hypervisor reaches it: by frame, never by the guest's tables. One object per thread and
 * domain, implemented by the CPU engine's side over the domain's WebAssembly.Memory and its physmap.
 */
export interface DomainMemory {
  /** The whole memory. It may be another object after the memory grew: use at once, do not keep. */
  readonly bytes: Uint8Array
  readonly words: Int32Array

  /**
   * Byte offset of a frame in {@link bytes}, a multiple of 4096; 0 if the domain has no such frame (offset 0 holds none).
   * @throws AbsentFrame if it must be fetched first. Never for a frame that is held ({@link DomainFrames.get}).
   */
  frameOffset(gmfn: number): number

  /** To be called after bytes of a frame were written from outside the guest: marks it dirty, drops translated code. */
  written(gmfn: number, offset: number, length: number): void
}

/**
 * Ownership and references of a domain's frames: what memory_op, grants and registered areas need of the page types.
 * Implemented beside the page types (PV MMU); any thread may call, it takes the domain's page lock itself.
 */
export interface DomainFrames {
  /** One more than the highest gmfn the domain can ever have. */
  readonly limit: number
  /**
   * 2^order zeroed frames for the guest (1 by default), side by side and aligned to their number, counted in
   * `DOMAIN.totPages`, with M2P entries from `pfn` on (-1: none). The first of them; -1 if the host has no room, or the
   * domain may have no more by `DOMAIN.maxPages`.
   */
  populate(pfn: number, order?: number): number
  /**
   * Takes a frame away from the guest and frees it: out of `DOMAIN.totPages`, M2P entry made invalid. False, with nothing done, if it is
   * not the guest's or is still mapped, typed or held.
   */
  release(gmfn: number): boolean
  /** Whether `release` would take it at this moment. */
  unused(gmfn: number): boolean
  /**
   * Takes frames away and gives 2^order others for each of `pfns`, as many in all. -EINVAL for one that `release` would
   * not take or that is named twice, -ENOMEM if there are none to give; nothing is done then.
   * @returns the first of each
   */
  exchange(given: readonly number[], order: number, pfns: readonly number[]): readonly number[] | number
  /** A zeroed frame owned by Xen but shared with the domain (grant frames): mappable writable, never a page table; -1. */
  allocateShared(): number
  /** Holds a frame of the domain against release and retyping; `writable` also demands that it may be written. */
  get(gmfn: number, writable: boolean): boolean
  put(gmfn: number, writable: boolean): void
}
