import type { Backend, DeviceFacts, DeviceHost, DeviceNodes } from '@paravane/core'
import { type Frame, NO_OFFLOADS, type Offloads } from '../switch/frame.ts'
import type { PortOwner } from '../switch/port.ts'
import { readChange } from '../vif/read-spec.ts'
import { Arrivals } from './arrivals.ts'
import type { Card } from './card.ts'
import { CardLane } from './card-lane.ts'
import { flowHash } from './flow-hash.ts'
import { type Offer, type OfferedQueue, QUEUES_MAX, readOffer } from './front-keys.ts'
import { MulticastFilter } from './multicast-filter.ts'
import { Queue } from './queue.ts'

/** The back end of a guest's card. */
export class Vif implements Backend, PortOwner {
  readonly #host: DeviceHost
  readonly #card: Card
  readonly #arrivals: Arrivals
  /** None if the guest's run is to be repeatable. */
  readonly lane: CardLane | undefined
  #queues: readonly Queue[] = []
  #offloads: Offloads = NO_OFFLOADS
  #multicast = new MulticastFilter(false)

  constructor(host: DeviceHost, card: Card) {
    this.#host = host
    this.#card = card
    this.lane = host.repeatable ? undefined : new CardLane(host.clock)
    this.#arrivals = new Arrivals({
      fromOutside: (action) => host.fromOutside(action),
      receive: (frame) => this.#deliver(frame),
      flush: () => {
        for (const queue of this.#queues) queue.flush()
      },
    })
  }

  connect(): DeviceNodes {
    const host = this.#host
    const offer = readOffer((key) => host.front(key), QUEUES_MAX)
    const multicast = new MulticastFilter(offer.multicastControl)
    const queues: Queue[] = []
    try {
      for (const offered of offer.queues) queues.push(this.#open(offered, offer, multicast))
    } catch (error) {
      for (const queue of queues) queue.close()
      throw error
    }
    this.#queues = queues
    this.lane?.use(queues)
    this.#multicast = multicast
    this.#offloads = offer.offloads
    // The network learns where the address is now. Linux's front end greets its neighbours as soon as it sees us connected.
    this.#card.setLink(true)
    return {}
  }

  #open(offered: OfferedQueue, { scatterGather, offloads }: Offer, multicast: MulticastFilter): Queue {
    return new Queue({
      host: this.#host,
      offered,
      scatterGather,
      offloads,
      mac: this.#card.address,
      multicast,
      send: (frame) => this.#card.port.send(frame),
      sent: () => this.#card.port.flush(),
      ready: () => this.#card.port.ready(),
      failed: (why) => this.#cutOff(why),
    })
  }

  /** A front end that breaks the rules in one pair of rings is not believed in the others. */
  #cutOff(why: string): void {
    for (const queue of this.#queues) queue.halt()
    this.#host.frontFailed(why)
  }

  async disconnect(): Promise<void> {
    this.#card.setLink(false)
    for (const queue of this.#queues) queue.close()
    this.lane?.use([])
    this.#queues = []
    this.#offloads = NO_OFFLOADS
  }

  close(): Promise<void> {
    return this.#card.close()
  }

  async reconfigure(config: unknown): Promise<void> {
    const before = this.#card.nodes
    await this.#card.change(readChange(this.#card.spec, config))
    const after = this.#card.nodes
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      this.#host.publish(key, after[key] ?? '')
  }

  facts(): DeviceFacts {
    const { mac, networkName, mtu, port } = this.#card
    const errors = this.#queues.reduce((sum, queue) => sum + queue.errors, 0)
    return { mac, bridge: networkName, mtu, queues: this.#queues.length, ...port.counters(), rxErrors: errors }
  }

  get busy(): boolean {
    return this.#queues.some((queue) => queue.isBusy)
  }

  get offloads(): Offloads {
    return this.#offloads
  }

  receive(frame: Frame): boolean {
    return this.#arrivals.receive(frame)
  }

  flush(): void {
    this.#arrivals.flush()
  }

  resume(): void {
    this.#host.fromOutside(() => {
      for (const queue of this.#queues) queue.transmit()
    })
  }

  #deliver(frame: Frame): boolean {
    const queues = this.#queues
    const queue = queues[queues.length > 1 ? flowHash(frame.bytes) % queues.length : 0]
    // What the filter keeps away arrived where it should: nowhere.
    if (!this.#multicast.admits(frame.bytes)) return true
    return queue?.receive(frame) ?? false
  }
}
