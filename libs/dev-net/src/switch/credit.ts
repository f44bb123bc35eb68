import type { Rate } from './port.ts'

const NS_PER_US = 1000
/** Credit is kept for so long at most if a window is shorter: Xen's usual window. */
const KEPT_NS = 50_000_000

/**
 * How much may be sent: `bytes` more in each window, as Xen's netback has it. Windows follow one another whenever they are looked at, so
 * that nothing is lost by a timer that is late. What is not used in a window is not kept for later ones. A frame may
 * be longer than what is left; the windows that follow pay for it.
 */
export class Credit {
  readonly #perWindow: number
  readonly #window: number
  readonly #most: number
  #begin: number
  #left: number

  /** @param now ns */
  constructor({ bytes, intervalUs }: Rate, now: number) {
    this.#perWindow = bytes
    this.#window = intervalUs * NS_PER_US
    this.#most = bytes * Math.max(1, Math.floor(KEPT_NS / this.#window))
    this.#begin = now
    this.#left = bytes
  }

  /** @returns false, with nothing taken, while there is none */
  take(bytes: number, now: number): boolean {
    const windows = Math.floor((now - this.#begin) / this.#window)
    if (windows > 0) {
      this.#begin += windows * this.#window
      this.#left = Math.min(this.#left + windows * this.#perWindow, this.#most)
    }
    if (this.#left <= 0) return false
    this.#left -= bytes
    return true
  }

  /** ns until there is credit again, after there was none. */
  wait(now: number): number {
    const windows = Math.floor(-this.#left / this.#perWindow) + 1
    return this.#begin + windows * this.#window - now
  }
}
