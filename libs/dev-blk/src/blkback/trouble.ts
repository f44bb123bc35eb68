import type { DeviceHost } from '@paravane/core'

/** No more lines about the same than one in so many ms. */
const EVERY_MS = 60_000
/** So long without a failure, and it works again. */
const CALM_MS = 2_000

/** Tells the operator of storage that fails: at the first failure, now and then how often since, and when it works again. */
export class Trouble {
  readonly #warn: DeviceHost['warn']
  readonly #now: () => number
  #failing = false
  #unsaid = 0
  #said = 0
  #lastFailure = 0

  /** @param now ms of a clock of the host */
  constructor(warn: DeviceHost['warn'], now: () => number = () => performance.now()) {
    this.#warn = warn
    this.#now = now
  }

  get failing(): boolean {
    return this.#failing
  }

  /** @param what `a read` @param error named in full, with the disk's target */
  failed(what: string, error: unknown): void {
    const now = this.#now()
    this.#lastFailure = now
    const text = `${what} failed: ${error instanceof Error ? error.message : String(error)}`
    if (!this.#failing) this.#warn(`${text}; the guest gets an input/output error`)
    else if (now - this.#said < EVERY_MS) {
      this.#unsaid++
      return
    } else this.#warn(`${text}; so did ${this.#unsaid} more requests`)
    this.#failing = true
    this.#unsaid = 0
    this.#said = now
  }

  worked(): void {
    if (!this.#failing || this.#now() - this.#lastFailure < CALM_MS) return
    this.#failing = false
    const more = this.#unsaid === 0 ? '' : `; ${this.#unsaid} more requests had failed`
    this.#warn(`it works again${more}`)
    this.#unsaid = 0
  }
}
