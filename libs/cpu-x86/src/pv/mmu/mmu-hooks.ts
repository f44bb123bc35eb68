/** Whose translations are meant: of the calling vCPU, of all of the domain, or of those in a bitmap (bit n of byte n / 8). */
export type FlushTargets = 'local' | 'all' | Uint8Array

/**
 * What must be over, on every vCPU of the domain, before a frame is used otherwise:
 * - `revoke-writes`: no translation that allows writing it is cached any more. It becomes a page or descriptor table.
 * - `end-walks`: no page walk that began before is under way. It was a page table and becomes writable.
 * - `unmap`: nothing at all of what was cached is left. It leaves the domain.
 */
export type Safepoint = 'revoke-writes' | 'end-walks' | 'unmap'

/**
 * What the PV MMU asks of the engine. All is synchronous, and called with the page lock held but for `flushPage`, `setLdt` and
 * `flushTlb` of some vCPUs only. A vCPU counts as having acknowledged while it is not running guest
 * code (its worker may be waiting for the page lock, held by the caller), if it does what was asked before it runs guest code
 * again; otherwise safepoints would deadlock.
 */
export interface MmuHooks {
  /** Drops every cached translation; returns when all targets have. `vcpu` is the caller. */
  flushTlb(vcpu: number, targets: FlushTargets): void
  /** Drops the translations of one page; its address in halves. */
  flushPage(vcpu: number, targets: FlushTargets, vaLo: number, vaHi: number): void
  /** Called only if something may be stale: see `PageTypes`. */
  safepoint(request: Safepoint, gmfn: number): void
  /** The vCPU's kernel root is this table now; the old one is let go of afterwards. The LDT's cached entries go too. */
  setBaseptr(vcpu: number, gmfn: number): void
  /** The same for user mode; NO_FRAME (-1): it has none. */
  setUserBaseptr(vcpu: number, gmfn: number): void
  /** LDT of `entries` descriptors at a page-aligned address, in halves. Frames are typed when they are first used. */
  setLdt(vcpu: number, vaLo: number, vaHi: number, entries: number): void
  /** The GDT's frames have changed: `Mmu.gdtFrame`. */
  setGdt(vcpu: number, entries: number): void
  /** The hypervisor has written into a frame: dirty logging, translated code (core's `DomainMemory.written`). */
  written(gmfn: number, offset: number, length: number): void
}

/** The domain's page lock: core's `SharedLock` over `DOMAIN.pageLock`. Not recursive. */
export interface PageLock {
  acquire(): void
  /** False, without it, where somebody has it. */
  tryAcquire(): boolean
  release(): void
}
