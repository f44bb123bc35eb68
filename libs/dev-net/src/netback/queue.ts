import {
  BackRing,
  type DeviceHost,
  type DevicePort,
  DOM0_OWNER,
  FrontendError,
  type InlineOffer,
  type MappedGrant,
  mapRing,
} from '@paravane/core'
import { netif_rx_sring_entry, netif_tx_sring_entry, sizeof } from '@paravane/core/abi'
import type { Frame, Offloads } from '../switch/frame.ts'
import type { OfferedQueue } from './front-keys.ts'
import type { InlineRings } from './inline-card.ts'
import type { MulticastFilter } from './multicast-filter.ts'
import { QueueState } from './queue-state.ts'
import { RxRing } from './rx-ring.ts'
import { TxRing } from './tx-ring.ts'

export interface QueueInit {
  readonly host: DeviceHost
  readonly offered: OfferedQueue
  readonly scatterGather: boolean
  readonly offloads: Offloads
  /** Of the card. */
  readonly mac: Uint8Array
  readonly multicast: MulticastFilter
  /** @returns false if the network has no room */
  readonly send: (frame: Frame) => boolean
  /** What was sent is to be passed on. */
  readonly sent: () => void
  /** It was busy, and has room again. */
  readonly ready: () => void
  /** The front end broke the rules. */
  readonly failed: (why: string) => void
}

/** One pair of rings of a card, with its ports. The guest's pCPUs may serve them, too, and those of other guests: see InlineCard. */
export class Queue {
  /** What pCPUs have of it. */
  readonly state: QueueState = new QueueState(DOM0_OWNER)
  readonly #init: QueueInit
  readonly #pages: readonly MappedGrant[]
  readonly #tx: TxRing
  readonly #rx: RxRing
  readonly #txNotify: BackRing
  #txPort: DevicePort | undefined
  #rxPort: DevicePort | undefined
  #isOver = false
  /** It is called again soon. */
  #isDue = false

  /** @throws FrontendError if a ring or a port is not what it may be; nothing is held then */
  constructor(init: QueueInit) {
    this.#init = init
    const { host, offered, multicast, send, scatterGather, mac, offloads } = init
    const { state } = this
    state.describe(mac, offloads)
    this.#pages = mapRing(host, [offered.txRef, offered.rxRef])
    const [txPage, rxPage] = this.#pages
    try {
      this.#txNotify = new BackRing([txPage], sizeof(netif_tx_sring_entry), state.txIndices)
      const wrong = (): void => state.countError()
      this.#tx = new TxRing({ ring: this.#txNotify, host, multicast, send, wrong, onlySmall: false })
      const ring = new BackRing([rxPage], sizeof(netif_rx_sring_entry), state.rxIndices)
      const waits = (waits: boolean): void => {
        state.waits = waits
      }
      this.#rx = new RxRing({ ring, host, scatterGather, waits })
      this.#bind()
    } catch (error) {
      this.close()
      throw error
    }
  }

  #bind(): void {
    const { host, offered } = this.#init
    if (offered.txPort === offered.rxPort) {
      const both = (): void => {
        this.transmit()
        this.#room()
      }
      this.#txPort = bind(host, 'event-channel', offered.txPort, both, this.#offer(true))
      this.#rxPort = this.#txPort
      return
    }
    this.#txPort = bind(host, 'event-channel-tx', offered.txPort, () => this.transmit(), this.#offer(true))
    this.#rxPort = bind(host, 'event-channel-rx', offered.rxPort, () => this.#room(), this.#offer(false))
  }

  /** @param sends events of the port are for the transmit ring as well */
  #offer(sends: boolean): InlineOffer {
    const [tx, rx] = this.#pages.map(({ gmfn }) => gmfn) as [number, number]
    const shared: InlineRings = { state: this.state.buffer, tx, rx, sends }
    return { part: 'vif', shared }
  }

  /** Domain 0's port for the receive ring. */
  get rxPort(): number {
    return this.#rxPort?.port ?? 0
  }

  /** Who sends to it had better wait. */
  get isBusy(): boolean {
    return this.#rx.isBusy
  }

  /** Packets that were wrong. */
  get errors(): number {
    return this.state.errors
  }

  /** Sends what the guest has put in its ring. */
  transmit(): void {
    this.#guarded(() => {
      const outcome = this.state.tx.with(() => {
        const outcome = this.#tx.run()
        if (this.#txNotify.publish()) this.#txPort?.notify()
        return outcome
      })
      this.#init.sent()
      if (outcome === 'more') this.#goOn()
    })
  }

  /** @returns false if the frame was dropped */
  receive(frame: Frame): boolean {
    let taken = false
    this.#guarded(() => {
      taken = this.state.rx.with(() => this.#rx.receive(frame))
    })
    return taken
  }

  /** Shows the guest what it has received. */
  flush(): void {
    if (!this.#isOver && this.state.rx.with(() => this.#rx.publish())) this.#rxPort?.notify()
  }

  /** Does nothing more with the rings. */
  halt(): void {
    this.#isOver = true
    this.state.halt()
  }

  /** And holds nothing of the guest any more. */
  close(): void {
    this.halt()
    this.state.end()
    this.#txPort?.close()
    this.#rxPort?.close()
    for (const page of this.#pages) page.release()
  }

  /** The guest has set out room. */
  #room(): void {
    this.#guarded(() => {
      if (this.state.rx.with(() => this.#rx.drain())) this.#init.ready()
    })
    this.flush()
  }

  /** A guest that sends without end keeps nobody else waiting. */
  #goOn(): void {
    if (this.#isDue) return
    this.#isDue = true
    this.#init.host.defer(() => {
      this.#isDue = false
      this.transmit()
    })
  }

  #guarded(work: () => void): void {
    if (this.#isOver) return
    try {
      work()
    } catch (error) {
      if (!(error instanceof FrontendError)) throw error
      this.#init.failed(error.message)
    }
  }
}

function bind(host: DeviceHost, key: string, port: number, handler: () => void, inline: InlineOffer): DevicePort {
  const bound = host.bindPort(port, handler, inline)
  if (typeof bound === 'number') throw new FrontendError(`${key} ${port} cannot be bound: error ${bound}`)
  return bound
}
