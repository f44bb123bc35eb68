/**
 * Lets requests run side by side, and now and then something alone: a barrier, a change of the disk. Who wants to be alone keeps
 * later requests out at once and waits for those under way.
 */
export class RequestGate {
  readonly #opened: () => void
  readonly #closing: () => Promise<void>
  #underWay = 0
  #alone = 0
  #last: Promise<void> = Promise.resolve()
  #quiet: PromiseWithResolvers<void> | undefined

  /**
   * @param opened requests may begin again
   * @param closing resolves when no request begins elsewhere any more, before `opened`
   */
  constructor(opened: () => void, closing: () => Promise<void>) {
    this.#opened = opened
    this.#closing = closing
  }

  get isOpen(): boolean {
    return this.#alone === 0
  }

  get underWay(): number {
    return this.#underWay
  }

  /** A request begins; only if it is open. */
  enter(): void {
    this.#underWay++
  }

  leave(): void {
    this.#underWay--
    if (this.#underWay > 0) return
    this.#quiet?.resolve()
    this.#quiet = undefined
  }

  /** Runs `work` when what is under way has ended and nobody else is alone. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    this.#alone++
    const done = this.#last
      .then(() => this.#closing())
      .then(() => this.#drained())
      .then(work)
    const end = (): void => {
      this.#alone--
      if (this.#alone === 0) this.#opened()
    }
    this.#last = done.then(end, end)
    return done
  }

  /** Resolves when nothing is under way and nobody alone. */
  async idle(): Promise<void> {
    while (this.#alone > 0) await this.#last
    await this.#drained()
  }

  async #drained(): Promise<void> {
    while (this.#underWay > 0) {
      this.#quiet ??= Promise.withResolvers()
      await this.#quiet.promise
    }
  }
}
