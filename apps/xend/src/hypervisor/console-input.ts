import type { Duplex } from 'node:stream'
import type { DomainConsole } from '@paravane/core'

/** How often it is looked whether a client that waits is still there: nothing is read from it that would tell its end. */
const PROBE_MS = 1000
/** Nothing is sent, but it fails where nobody is. */
const PROBE = Buffer.alloc(0)

/** What clients type at a guest's console, as fast as the guest takes it. */
export class ConsoleInput {
  readonly #console: DomainConsole
  /** Clients that wait for the guest. */
  readonly #stalled = new Map<Duplex, NodeJS.Timeout>()
  readonly #stop: () => void
  #bytes = 0

  constructor(console: DomainConsole) {
    this.#console = console
    this.#stop = console.onDrain(() => {
      for (const client of [...this.#stalled.keys()]) {
        this.#forget(client)
        client.resume()
      }
    })
  }

  /** Typed so far. */
  get bytes(): number {
    return this.#bytes
  }

  from(client: Duplex): void {
    client.on('data', (bytes: Buffer) => {
      this.#bytes += bytes.length
      if (this.#console.write(bytes)) return
      client.pause()
      this.#stalled.set(
        client,
        setInterval(() => client.write(PROBE), PROBE_MS),
      )
    })
    client.on('close', () => this.#forget(client))
  }

  /** The guest has ended. */
  end(): void {
    this.#stop()
    for (const client of [...this.#stalled.keys()]) this.#forget(client)
  }

  #forget(client: Duplex): void {
    clearInterval(this.#stalled.get(client))
    this.#stalled.delete(client)
  }
}
