import { bugOn } from '../errors.ts'
import type { SharedI32, SharedMemory } from '../shared-layout.ts'

/** Who holds a lock: pCPU n is n + 1, domain 0's thread {@link DOM0_OWNER}; 0 is nobody. */
export type LockOwner = number
export const DOM0_OWNER: LockOwner = 0x7fff

export function pcpuOwner(pcpu: number): LockOwner {
  return pcpu + 1
}

/** Tries before a thread sleeps: critical sections are short, and sleeping costs two system calls. */
const SPINS = 200

/** In the lock word beside the owner: somebody sleeps, so the holder must wake. */
const WAITERS = 0x10000
const OWNER_MASK = 0xffff

/**
 * A lock of one shared word, for short critical sections: nothing in one may wait for anything but a lock later in the
 * order. Not recursive. The order: event channels, then grant tables of one domain, then page types of one domain.
 */
export class SharedLock {
  readonly #memory: SharedMemory
  readonly #index: number
  readonly #owner: LockOwner

  /** @param owner of this thread */
  constructor(memory: SharedMemory, field: SharedI32, base: number, owner: LockOwner) {
    this.#memory = memory
    this.#index = field.index(base)
    this.#owner = owner
  }

  acquire(): void {
    const { i32 } = this.#memory
    for (let spins = 0; spins < SPINS; spins++) {
      const seen = Atomics.compareExchange(i32, this.#index, 0, this.#owner)
      if (seen === 0) return
      bugOn((seen & OWNER_MASK) === this.#owner, 'lock taken twice by its owner')
    }
    for (;;) {
      const seen = Atomics.load(i32, this.#index)
      if (seen === 0) {
        // Others may sleep as well: take it as contended, which costs one wake too many at worst.
        if (Atomics.compareExchange(i32, this.#index, 0, this.#owner | WAITERS) === 0) return
        continue
      }
      const contended = seen | WAITERS
      if (seen === contended || Atomics.compareExchange(i32, this.#index, seen, contended) === seen) {
        Atomics.wait(i32, this.#index, contended)
      }
    }
  }

  /** False, without the lock, where another has it. */
  tryAcquire(): boolean {
    const seen = Atomics.compareExchange(this.#memory.i32, this.#index, 0, this.#owner)
    bugOn((seen & OWNER_MASK) === this.#owner, 'lock taken twice by its owner')
    return seen === 0
  }

  release(): void {
    const before = Atomics.exchange(this.#memory.i32, this.#index, 0)
    bugOn((before & OWNER_MASK) !== this.#owner, 'lock released by another than its owner')
    if (before & WAITERS) Atomics.notify(this.#memory.i32, this.#index, 1)
  }

  /** Runs `body` with the lock held, and lets go however it ends. */
  with<T>(body: () => T): T {
    this.acquire()
    try {
      return body()
    } finally {
      this.release()
    }
  }

  /** Who holds it now; for reports, and to free the locks of a thread that died. */
  holder(): LockOwner {
    return Atomics.load(this.#memory.i32, this.#index) & OWNER_MASK
  }

  /** Frees the lock if `owner`, whose thread is dead, holds it. The data it guards may be half changed. */
  breakOwner(owner: LockOwner): boolean {
    const seen = Atomics.load(this.#memory.i32, this.#index)
    if ((seen & OWNER_MASK) !== owner) return false
    if (Atomics.compareExchange(this.#memory.i32, this.#index, seen, 0) !== seen) return this.breakOwner(owner)
    Atomics.notify(this.#memory.i32, this.#index)
    return true
  }
}
