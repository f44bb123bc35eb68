import type { Clock } from '@paravane/core'
import type { Lane, LaneCount } from '../switch/lane.ts'
import type { Queue } from './queue.ts'

/** A switch forgets an address after five minutes. */
const LASTS_NS = 10_000_000_000n

/** The lanes of a card: what its queues' pCPUs may pass on by themselves. */
export class CardLane implements Lane {
  readonly #clock: Clock
  #queues: readonly Queue[] = []
  /** Of queues that were. */
  #sent: LaneCount = { frames: 0, bytes: 0 }
  #received: LaneCount = { frames: 0, bytes: 0 }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Of a front end; none any more. */
  use(queues: readonly Queue[]): void {
    const { sent, received } = this
    this.#sent = sent
    this.#received = received
    this.#queues = queues
  }

  open(to: Lane, frame: Uint8Array): void {
    if (!(to instanceof CardLane)) return
    const ports = to.#queues.map(({ rxPort }) => rxPort)
    if (ports.length === 0) return
    const now = this.#clock.now()
    for (const { state } of this.#queues) {
      if (state.routeEnds(frame) - now < LASTS_NS / 2n) state.openRoute(frame, ports, now + LASTS_NS)
    }
  }

  close(): void {
    for (const { state } of this.#queues) state.closeRoutes()
  }

  get sent(): LaneCount {
    return this.#queues.reduce((sum, { state }) => plus(sum, state.sent), this.#sent)
  }

  get received(): LaneCount {
    return this.#queues.reduce((sum, { state }) => plus(sum, state.received), this.#received)
  }
}

function plus(a: LaneCount, b: LaneCount): LaneCount {
  return { frames: a.frames + b.frames, bytes: a.bytes + b.bytes }
}
