import type { DomainEnd, RunningDomain } from '@paravane/core'
import type { ShownGuest } from '../../src/start/run-guest.ts'

/** The far edge of `runGuest`: one domain whose guest is the test. */
export class ScriptedDomain implements ShownGuest {
  /** What reached the guest's console. */
  typed = ''
  unpaused = false
  destroyed = false
  readonly ended: Promise<DomainEnd>
  readonly #end: (end: DomainEnd) => void
  readonly #listeners = new Set<(bytes: Uint8Array) => void>()
  readonly console: RunningDomain['console'] = {
    write: (bytes) => {
      this.typed += Buffer.from(bytes).toString()
      return true
    },
    onDrain: () => () => {},
    onOutput: (listener) => {
      this.#listeners.add(listener)
      return () => this.#listeners.delete(listener)
    },
  }

  constructor() {
    const { promise, resolve } = Promise.withResolvers<DomainEnd>()
    this.ended = promise
    this.#end = resolve
  }

  /** The guest writes to its console. */
  print(text: string): void {
    for (const listener of this.#listeners) listener(Buffer.from(text))
  }

  end(reason: DomainEnd['reason'], detail?: string): void {
    this.#end({ reason, detail, cpuTimeNs: 1_500_000_000n })
  }

  unpause(): void {
    this.unpaused = true
  }

  async destroy(): Promise<void> {
    this.destroyed = true
    this.end('destroyed')
  }
}
