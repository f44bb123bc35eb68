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

/** Bytes of input from which on no more is welcome; as many wait in `PvConsole` itself. */
const WAITING_MAX = 65_536

/** A domain's PV console as its owner sees it: any number of listeners, and input that waits for the guest. */
export class HostedConsole implements DomainConsole {
  #pv: PvConsole | undefined
  readonly #listeners = new Set<(bytes: Uint8Array) => void>()
  readonly #drained = new Set<() => void>()
  readonly #waiting: Uint8Array[] = []
  /** Also of what has not reached its place in the order of events. */
  #waitingBytes = 0
  #isFull = false
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

  write(bytes: Uint8Array): boolean {
    if (this.#pv === undefined) return true
    const input = bytes.slice()
    this.#waitingBytes += input.length
    this.#fromOutside(() => {
      this.#waiting.push(input)
      this.#pump()
    })
    this.#isFull = this.#waitingBytes >= WAITING_MAX
    return !this.#isFull
  }

  onOutput(listener: (bytes: Uint8Array) => void): () => void {
    // Of its own, so that the same function may listen twice.
    const entry = (bytes: Uint8Array): void => listener(bytes)
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  onDrain(listener: () => void): () => void {
    const entry = (): void => listener()
    this.#drained.add(entry)
    return () => void this.#drained.delete(entry)
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
      this.#waitingBytes -= taken
      if (taken < first.length) {
        this.#waiting[0] = first.subarray(taken)
        break
      }
      this.#waiting.shift()
    }
    if (!this.#isFull || this.#waitingBytes >= WAITING_MAX) return
    this.#isFull = false
    for (const listener of this.#drained) listener()
  }
}
