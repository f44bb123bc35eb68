/** Windows, ns: the first, and the longest, which are KVM's. */
const FIRST = 10_000
const LONGEST = 200_000
const GROWTH = 2

/**
 * How long a pCPU with nothing to run looks for work before it sleeps. To be woken takes a processor that sleeps some 40 us, and its waker 15. As
 * KVM's halt polling: longer while work comes soon after there was none, not at all when it takes long; so a guest that is idle costs
 * nothing.
 */
export class HaltPolling {
  #window = 0

  /** ns to look before the next sleep. */
  get window(): number {
    return this.#window
  }

  /** There was nothing to run for so long, ns. */
  note(idle: number): void {
    if (idle <= this.#window) return
    if (idle > LONGEST) this.#window = 0
    else this.#window = Math.min(Math.max(FIRST, this.#window * GROWTH), LONGEST)
  }
}
