/** Something that must be stopped before what it was built on. */
export interface Stoppable {
  stop(): void | Promise<void>
}

export function isStoppable(value: unknown): value is Stoppable {
  return typeof value === 'object' && value !== null && 'stop' in value && typeof value.stop === 'function'
}

/** Stops things in the reverse of the order they were built in. */
export class Teardown {
  readonly #steps: { readonly name: string; readonly stop: () => void | Promise<void> }[] = []
  #run: Promise<void> | undefined

  /** @param name for the report of a failure */
  add(name: string, stop: () => void | Promise<void>): void {
    this.#steps.push({ name, stop })
  }

  /**
   * Runs every step, each awaited before the next, whatever fails; once, however often it is called.
   * @throws AggregateError of what failed, each error with the step's name as message and the failure as cause
   */
  run(): Promise<void> {
    this.#run ??= this.#stopAll()
    return this.#run
  }

  async #stopAll(): Promise<void> {
    const failures: Error[] = []
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.stop()
      } catch (cause) {
        failures.push(new Error(`${step.name} did not stop cleanly`, { cause }))
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, failures.map(({ message }) => message).join('; '))
  }
}
