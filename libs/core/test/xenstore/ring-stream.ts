import type { XsMessage } from '../../src/xenstore/message.ts'
import type { StoreGuest } from './store-guest.ts'
import type { Stream } from './wire-client.ts'

const PATIENCE = 40

/** A guest at its ring, which sends what does not fit when there is room again. */
export class RingStream implements Stream {
  readonly #guest: StoreGuest
  readonly #serve: () => Promise<void>
  #unsent: Uint8Array = new Uint8Array(0)

  /** @param serve sends the guest's event, and lets the server do what it can */
  constructor(guest: StoreGuest, serve: () => Promise<void>) {
    this.#guest = guest
    this.#serve = serve
  }

  send(bytes: Uint8Array): void {
    this.#unsent = Buffer.concat([this.#unsent, bytes])
  }

  async receive(): Promise<readonly XsMessage[] | undefined> {
    for (let rounds = 0; rounds < PATIENCE; rounds++) {
      this.#unsent = this.#unsent.subarray(this.#guest.put(this.#unsent))
      await this.#serve()
      const messages = this.#guest.take()
      if (messages.length > 0) return messages
    }
    return undefined
  }

  end(): Promise<void> {
    throw new Error('a guest does not leave its ring')
  }
}
