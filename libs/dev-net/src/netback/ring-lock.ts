import type { SharedLock } from '@paravane/core'

/** Who has it serves a ring. Domain 0 waits for it; a pCPU, which has the lock of another ring perhaps, never does. */
export class RingLock {
  readonly #lock: SharedLock
  #isHeld = false

  constructor(lock: SharedLock) {
    this.#lock = lock
  }

  /** Runs `body` with the ring held; it may be so already, by this thread. */
  with<T>(body: () => T): T {
    if (this.#isHeld) return body()
    this.#lock.acquire()
    return this.#holding(body)
  }

  /** Runs `body` if the ring is free. @returns what it answers, else false */
  ifFree(body: () => boolean): boolean {
    return !this.#isHeld && this.#lock.tryAcquire() && this.#holding(body)
  }

  #holding<T>(body: () => T): T {
    this.#isHeld = true
    try {
      return body()
    } finally {
      this.#isHeld = false
      this.#lock.release()
    }
  }
}
