import { PvConsole } from '../console/pv-console.ts'
import type { SharedPage } from '../ring/shared-page.ts'
import type { DomainConsole } from './hypervisor-api.ts'

export interface HostedConsoleInit {
  readonly page: SharedPage
  /** Sends the event of the console channel. */
  readonly notify: () => void
  /** Does something to the guest at its place in the order of events. */
  readonly fromOutside: (action: () => void) => void
}

/** A domain's PV console as its owner sees it: any number of listeners, and input that waits for the guest. */
export class HostedConsole implements DomainConsole {
  #pv: PvConsole | undefined
  readonly #listeners = new Set<(bytes: Uint8Array) => void>()
  readonly #waiting: Uint8Array[] = []
  #fromOutside: HostedConsoleInit['fromOutside']

  constructor({ page, notify, fromOutside }: HostedConsoleInit) {
    this.#fromOutside = fromOutside
    this.#pv = new PvConsole(page, notify, {
      output: (bytes) => {
        for (const listener of this.#listeners) listener(bytes)
      },
      inputSpace: () => this.#pump(),
    })
  }

  write(bytes: Uint8Array): void {
    const input = bytes.slice()
    this.#fromOutside(() => {
      this.#waiting.push(input)
      this.#pump()
    })
  }

  onOutput(listener: (bytes: Uint8Array) => void): () => void {
    // Of its own, so that the same function may listen twice.
    const entry = (bytes: Uint8Array): void => listener(bytes)
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  /** The guest has sent the event. */
  poke(): void {
    this.#pv?.poke()
  }

  /** Hands over what the guest wrote last; nothing touches its page or holds its memory afterwards. */
  close(): void {
    this.#pv?.close()
    this.#pv = undefined
    this.#fromOutside = () => {}
    this.#waiting.length = 0
  }

  #pump(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const taken = this.#pv?.write(first) ?? 0
      if (taken < first.length) {
        this.#waiting[0] = first.subarray(taken)
        return
      }
      this.#waiting.shift()
    }
  }
}
