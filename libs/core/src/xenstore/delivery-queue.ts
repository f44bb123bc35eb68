/**
 * Watch events on their way. They are delivered in the order they were fired, after the code that fired them has
 * returned to its caller: a listener that changes the store never runs inside another's call.
 */
export class DeliveryQueue {
  readonly #defer: (drain: () => void) => void
  readonly #failed: (error: unknown) => void
  #waiting: (() => void)[] = []
  #scheduled = false

  /**
   * @param defer calls its argument soon, from the event loop
   * @param failed is told what a listener threw; the deliveries after it still happen
   */
  constructor(defer: (drain: () => void) => void, failed: (error: unknown) => void) {
    this.#defer = defer
    this.#failed = failed
  }

  push(delivery: () => void): void {
    this.#waiting.push(delivery)
    if (this.#scheduled) return
    this.#scheduled = true
    this.#defer(() => this.drain())
  }

  /** Delivers what is waiting now. What that leads to is delivered by a later call, which is scheduled. */
  drain(): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#scheduled = false
    for (const delivery of waiting) {
      try {
        delivery()
      } catch (error) {
        this.#failed(error)
      }
    }
  }
}
