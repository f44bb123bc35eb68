import { type BackRing, type DeviceHost, PAGE_SIZE } from '@paravane/core'
import type { Frame } from '../switch/frame.ts'
import { RxBacklog } from './rx-backlog.ts'
import { RxPages, slotsOf } from './rx-pages.ts'

export interface RxRingInit {
  readonly ring: BackRing
  readonly host: Pick<DeviceHost, 'holdGrant' | 'releaseGrant' | 'memory' | 'clock'>
  readonly scatterGather: boolean
  /** Told before it waits for room, and when nothing waits any more. */
  readonly waits: (waits: boolean) => void
}

/** Bytes that wait for room while who sends more had better wait, until so few are left. */
const BUSY_BYTES = 512 << 10
const READY_BYTES = 128 << 10
/** What waited so long is nothing that anybody waits for: as Linux's back end has it. */
const STALE_NS = 10_000_000_000n

/** The ring of pages that a guest has set out for what it receives. */
export class RxRing {
  readonly #init: RxRingInit
  readonly #pages: RxPages
  readonly #backlog = new RxBacklog()
  #isBusy = false

  constructor(init: RxRingInit) {
    this.#init = init
    this.#pages = new RxPages(init)
  }

  /** Much waits for room. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /**
   * Gives the guest a frame, now or when it has room.
   * @returns false if it was dropped
   * @throws FrontendError: the ring is not to be used any more
   */
  receive(frame: Frame): boolean {
    const { scatterGather, host } = this.#init
    if (frame.bytes.length > PAGE_SIZE && !scatterGather) return false
    if (this.#backlog.isEmpty && this.#pages.deliver(frame)) return true
    if (!this.#backlog.push(frame, host.clock.now())) return false
    // Before the guest is asked for an event: what a pCPU sees of it is told on.
    this.#init.waits(true)
    this.drain()
    if (this.#backlog.bytes > BUSY_BYTES) this.#isBusy = true
    return true
  }

  /** Gives the guest what waited for room. @returns whether it was busy and is not any more @throws FrontendError */
  drain(): boolean {
    this.#deliverWaiting()
    if (this.#backlog.isEmpty) this.#init.waits(false)
    if (!this.#isBusy || this.#backlog.bytes > READY_BYTES) return false
    this.#isBusy = false
    return true
  }

  #deliverWaiting(): void {
    const { ring, host } = this.#init
    for (let first = this.#backlog.first; first !== undefined; first = this.#backlog.first) {
      const { frame, since } = first
      const isStale = host.clock.now() - since > STALE_NS
      if (isStale || this.#pages.deliver(frame)) this.#backlog.shift()
      else if (ring.sleepUntil(slotsOf(frame))) return
    }
  }

  /** Shows the guest what it was given. @returns whether it wants an event for that */
  publish(): boolean {
    return this.#pages.publish()
  }
}
