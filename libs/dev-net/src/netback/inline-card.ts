import {
  type BackRing,
  FrontendError,
  type InlineHost,
  type InlinePart,
  type InlineService,
  inlineRing,
} from '@paravane/core'
import { netif_rx_sring_entry, netif_tx_sring_entry, sizeof } from '@paravane/core/abi'
import { Finisher } from '../offload/finish.ts'
import { TYPE, TYPE_VLAN, word } from '../switch/ethernet.ts'
import type { Frame, Offloads } from '../switch/frame.ts'
import { flowHash } from './flow-hash.ts'
import { QueueState } from './queue-state.ts'
import { RxPages } from './rx-pages.ts'
import { TxRing } from './tx-ring.ts'

/** Of a pair of rings: what a back end in domain 0 gives the pCPUs. */
export interface InlineRings {
  readonly state: SharedArrayBuffer
  /** Frames of the rings' pages, which domain 0 keeps mapped. */
  readonly tx: number
  readonly rx: number
  /** Events of the port are for the transmit ring, and not for the receive ring alone. */
  readonly sends: boolean
}

export const inlineCards: InlinePart = {
  open: (shared, host) => new InlineCard(shared as InlineRings, host),
}

/**
 * A pair of rings as a pCPU serves it: small packets for guests that the switch has opened a lane to. It does each before it takes the
 * next; what it does not do it leaves in the ring for domain 0, and with it all that follows.
 */
class InlineCard implements InlineService {
  readonly #host: InlineHost
  readonly #state: QueueState
  readonly #sends: boolean
  readonly #offloads: Offloads
  readonly #txRing: BackRing
  readonly #tx: TxRing
  readonly #rx: RxPages
  readonly #finisher = new Finisher()

  constructor({ state, tx, rx, sends }: InlineRings, host: InlineHost) {
    this.#host = host
    this.#sends = sends
    this.#state = new QueueState(host.owner, state)
    const { txIndices, rxIndices, offloads } = this.#state
    this.#offloads = offloads
    this.#txRing = inlineRing(host, [tx], sizeof(netif_tx_sring_entry), txIndices)
    this.#tx = new TxRing({
      ring: this.#txRing,
      host,
      multicast: undefined,
      onlySmall: true,
      send: (frame) => this.#pass(frame),
      wrong: () => this.#state.countError(),
    })
    this.#rx = new RxPages({ ring: inlineRing(host, [rx], sizeof(netif_rx_sring_entry), rxIndices), host })
  }

  serve(): boolean {
    const isDone = !this.#sends || this.#state.tx.ifFree(() => this.#transmit())
    // Room that domain 0 waits for may have come.
    return isDone && !this.#state.waits
  }

  /** @returns whether nothing is left */
  #transmit(): boolean {
    if (this.#state.isOver || !this.#state.hasRoutes) return false
    const outcome = unlessBroken(() => this.#tx.run())
    if (this.#txRing.publish()) this.#host.notify()
    return outcome === 'idle'
  }

  /** @returns false if the frame is for domain 0 */
  #pass(frame: Frame): boolean {
    const { bytes } = frame
    if (word(bytes, TYPE) === TYPE_VLAN) return false
    const port = this.#state.portFor(bytes, this.#host.clock.now(), flowHash)
    const card = port < 0 ? undefined : this.#host.serviceOf(port)
    if (!(card instanceof InlineCard)) return false
    if (!this.#finisher.finish(frame, card.#offloads, (finished) => card.#receive(finished))) return false
    this.#state.countSent(bytes.length)
    return true
  }

  #receive(frame: Frame): boolean {
    const state = this.#state
    return state.rx.ifFree(() => {
      if (state.isOver || state.waits || unlessBroken(() => this.#rx.deliver(frame)) !== true) return false
      state.countReceived(frame.bytes.length)
      if (this.#rx.publish()) this.#host.notify()
      return true
    })
  }
}

/** What breaks the rules of a ring is found again by domain 0, which says so and closes it. */
function unlessBroken<T>(body: () => T): T | undefined {
  try {
    return body()
  } catch (error) {
    if (error instanceof FrontendError) return undefined
    throw error
  }
}
