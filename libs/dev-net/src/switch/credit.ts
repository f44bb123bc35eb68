import type { Rate } from './port.ts'

const NS_PER_US = 1000
/** Credit is kept for so long at most if a window is shorter: Xen's usual window. */
const KEPT_NS = 50_000_000

/** And for so long if somebody waits for it: a timer that is late costs him nothing. */
const OWED_NS = 1_000_000_000

/**
 * How much may be sent: `bytes` more in each window, as Xen's netback has it. Windows follow one another whenever they are looked at.
 * What is not used in a window is not kept for later ones. A frame may be longer than what is left; the windows that follow
 * pay for it.
 */
export class Credit {
  readonly #perWindow: number
  readonly #window: number
  readonly #most: number
  #begin: number
  #left: number
  #isWaited = false

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
      const owed = Math.min(windows, Math.ceil(OWED_NS / this.#window)) * this.#perWindow
      this.#left = Math.min(
        this.#left + windows * this.#perWindow,
        this.#isWaited ? Math.max(owed, this.#most) : this.#most,
      )
    }
    this.#isWaited = this.#left <= 0
    if (this.#isWaited) return false
    this.#left -= bytes
    return true
  }

  /** ns until there is credit again, after there was none. */
  wait(now: number): number {
    const windows = Math.floor(-this.#left / this.#perWindow) + 1
    return this.#begin + windows * this.#window - now
  }
}
