import type { Domain } from '../domain/domain.ts'
import { DOMAIN } from '../domain/domain-state.ts'
import { domainRuns } from '../domain/lifecycle.ts'
import type { SharedMemory } from '../shared-layout.ts'
import { wakeDom0 } from './dom0-ports.ts'
import type { EventOrder } from './event-order.ts'

export interface VirtualOrderInit {
  /** The hypervisor's shared buffer. */
  readonly memory: SharedMemory
  /** Sets the port pending now: `EventChannels.deliverArrived`. */
  readonly deliver: (domain: Domain, port: number) => void
  /** Something waits for the domain's next order point: if its worker sleeps, it must come to one. Any thread calls. */
  readonly wanted: (domid: number) => void
  /** An event took its place: what a recording of the run keeps, with the domain's instruction count at that moment. */
  readonly placed?: (domid: number, port: number) => void
}

/**
 * Order under the virtual clock. Between two order points, what a domain does is a function of its state alone; at one,
 * its worker stops and waits until domain 0 is idle, so that everything domain 0 wrote and sent becomes visible at one
 * count of instructions. Order points are: each event the domain sends to domain 0; each moment all its vCPUs wait; and
 * those the worker makes by the count of instructions (`orderPoint`), where input from outside may come in.
 *
 * Events that domain 0 or another domain sends meanwhile are kept, and delivered at the order point by port number.
 */
export class VirtualOrder implements EventOrder {
  readonly #memory: SharedMemory
  readonly #deliver: (domain: Domain, port: number) => void
  readonly #wanted: (domid: number) => void
  readonly #placed: ((domid: number, port: number) => void) | undefined

  constructor({ memory, deliver, wanted, placed }: VirtualOrderInit) {
    this.#memory = memory
    this.#deliver = deliver
    this.#wanted = wanted
    this.#placed = placed
  }

  sentToDom0(from: Domain): void {
    this.rendezvous(from)
  }

  arrives(to: Domain, port: number): boolean {
    const { memory } = to.state
    DOMAIN.arrivals.or(memory, 0, 1 << (port & 31), port >> 5)
    DOMAIN.arrived.add(memory, 0, 1)
    this.#wanted(to.domid)
    return false
  }

  /**
   * For the domain's worker, at counts of instructions that do not depend on the host, and when all vCPUs wait.
   * @returns whether anything came in
   */
  orderPoint(domain: Domain): boolean {
    const { memory } = domain.state
    if (DOMAIN.outside.load(memory, 0) === 0 && DOMAIN.arrived.load(memory, 0) === 0) return false
    this.rendezvous(domain)
    return true
  }

  /** Waits until domain 0 is idle, then takes what arrived. On the domain's worker, while none of its vCPUs runs. */
  rendezvous(domain: Domain): void {
    const { memory } = domain.state
    DOMAIN.rendezvous.store(memory, 0, 1)
    wakeDom0(this.#memory)
    const word = DOMAIN.rendezvous.index(0)
    // Domain 0 makes a domain die first and lets its worker go afterwards.
    while (domainRuns(domain) && Atomics.load(memory.i32, word) === 1) Atomics.wait(memory.i32, word, 1)
    this.#takeArrivals(domain)
  }

  #takeArrivals(domain: Domain): void {
    const { memory } = domain.state
    if (DOMAIN.arrived.exchange(memory, 0, 0) === 0) return
    for (let word = 0; word < DOMAIN.arrivals.length; word++) {
      let left = DOMAIN.arrivals.exchange(memory, 0, 0, word)
      for (; left !== 0; left &= left - 1) {
        const port = word * 32 + 31 - Math.clz32(left & -left)
        this.#placed?.(domain.domid, port)
        this.#deliver(domain, port)
      }
    }
  }
}
