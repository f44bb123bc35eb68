import { EntryWriter } from './entry-writer.ts'
import type { MmuHooks, PageLock } from './mmu-hooks.ts'
import { MmuMemory, type MmuMemoryInit } from './mmu-memory.ts'
import { PageInfo } from './page-info.ts'
import { PageTypes } from './page-types.ts'

export interface MmuInit extends MmuMemoryInit {
  /** Holds `PageInfo.bytes(nrGmfns, nrVcpus)` bytes at `stateOffset`, zero when the domain is created. */
  readonly state: SharedArrayBuffer
  readonly stateOffset: number
  readonly nrVcpus: number
  readonly hooks: MmuHooks
  readonly lock: PageLock
  /** Page tables worked through before a hypercall is entered again; 256 by default. */
  readonly tablesPerStretch?: number
}

/**
 * The PV MMU of one domain, as one thread sees it: made in every thread over the same shared memory. The operations are
 * functions over it (mmu-update.ts, update-va-mapping.ts, mmuext-op.ts, gdt.ts, emulate-pte-write.ts, domain-frames.ts);
 * those that may answer RESTART need `types.startStretch()` before, which the hypercalls (hypercalls.ts) call.
 */
export class Mmu {
  readonly info: PageInfo
  readonly memory: MmuMemory
  readonly types: PageTypes
  readonly entries: EntryWriter
  readonly hooks: MmuHooks
  readonly #lock: PageLock

  constructor(init: MmuInit) {
    this.info = new PageInfo(init.state, init.stateOffset, init.nrGmfns, init.nrVcpus)
    this.memory = new MmuMemory(init)
    this.hooks = init.hooks
    this.types = new PageTypes(this.info, this.memory, init.hooks, init.tablesPerStretch)
    this.entries = new EntryWriter(this.info, this.types, this.memory)
    this.#lock = init.lock
  }

  /**
   * Takes the page lock for an operation. False, without the lock: dying tables of earlier ones had to be worked off first,
   * and there are still some; the operation answers RESTART.
   */
  enter(): boolean {
    this.#lock.acquire()
    if (this.types.finish()) return true
    this.#lock.release()
    return false
  }

  /** {@link enter} for callers that cannot come again: works until no dying table is left. */
  enterAfterAll(): void {
    do this.types.startStretch()
    while (!this.enter())
  }

  /** Works off the tables that died of the operation, as far as the stretch goes, and lets go of the lock. */
  leave(): void {
    this.types.finish()
    this.#lock.release()
  }

  /** The lock alone, for what neither needs nor leaves tables worked off. */
  acquire(): void {
    this.#lock.acquire()
  }

  /** As `acquire`, but false where it would wait. */
  tryAcquire(): boolean {
    return this.#lock.tryAcquire()
  }

  release(): void {
    this.#lock.release()
  }
}
