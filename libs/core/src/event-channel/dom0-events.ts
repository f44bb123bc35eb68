import { setImmediate } from 'node:timers/promises'
import type { Domain } from '../domain/domain.ts'
import { DOMAIN } from '../domain/domain-state.ts'
import { HYPERVISOR } from '../domain/hypervisor-state.ts'
import type { SharedMemory } from '../shared-layout.ts'
import { wakeDom0 } from './dom0-ports.ts'
import type { EventChannels } from './event-channels.ts'

/**
 * What is done when a port of domain 0 becomes pending. The port is cleared before. A promise keeps domain 0 from being
 * idle until it settles; it must not depend on a pCPU, which may be waiting for that very idleness.
 */
export type PortHandler = () => void | Promise<void>

export interface Dom0EventsInit {
  /** The hypervisor's shared buffer. */
  readonly memory: SharedMemory
  readonly dom0: Domain
  readonly events: EventChannels
  /** A handler threw or rejected; the others go on. */
  readonly failed: (port: number, error: unknown) => void
}

/**
 * Domain 0's end of event channels, on the main thread: a handler for each port. It waits on a word in shared memory,
 * which takes no processor time and does not keep the process alive.
 */
export class Dom0Events {
  readonly #memory: SharedMemory
  readonly #dom0: Domain
  readonly #events: EventChannels
  readonly #failed: (port: number, error: unknown) => void
  readonly #handlers = new Map<number, PortHandler>()
  readonly #virtual = new Map<number, { readonly domain: Domain; readonly actions: (() => void | Promise<void>)[] }>()
  #working = 0
  #stopped = false

  constructor({ memory, dom0, events, failed }: Dom0EventsInit) {
    this.#memory = memory
    this.#dom0 = dom0
    this.#events = events
    this.#failed = failed
  }

  /** A port that domain `remote` may bind, or -errno. */
  allocUnbound(remote: number, handler: PortHandler): number {
    return this.#handle(this.#events.allocUnbound(this.#dom0, 0, remote), handler)
  }

  /** A port joined with one that waits for domain 0, or -errno. Its handler is called once to begin with. */
  bindInterdomain(remote: number, remotePort: number, handler: PortHandler): number {
    return this.#handle(this.#events.bindInterdomain(this.#dom0, remote, remotePort), handler)
  }

  /** Domain 0's port for a VIRQ, or -errno. */
  bindVirq(virq: number, handler: PortHandler): number {
    return this.#handle(this.#events.bindVirq(this.#dom0, virq, 0), handler)
  }

  #handle(port: number, handler: PortHandler): number {
    if (port > 0) this.#handlers.set(port, handler)
    return port
  }

  /** 0 or -errno. */
  send(port: number): number {
    return this.#events.send(this.#dom0, port)
  }

  close(port: number): number {
    this.#handlers.delete(port)
    return this.#events.close(this.#dom0, port)
  }

  /** A domain with a virtual clock is there from now on: its worker is let go whenever domain 0 is idle. */
  addVirtual(domain: Domain): void {
    this.#virtual.set(domain.domid, { domain, actions: [] })
  }

  removeVirtual(domid: number): void {
    const found = this.#virtual.get(domid)
    this.#virtual.delete(domid)
    if (found) letGo(found.domain)
  }

  /**
   * Does something to a domain that comes from outside the machine: a key, a packet, a command, a timer of domain 0. At
   * once, or for a domain with a virtual clock at its next order point.
   * @param wanted makes a sleeping worker come to an order point
   */
  fromOutside(domain: Domain, action: () => void | Promise<void>, wanted?: (domid: number) => void): void {
    const queue = this.#virtual.get(domain.domid)
    if (queue === undefined) {
      this.#run(0, action)
      return
    }
    queue.actions.push(action)
    DOMAIN.outside.add(domain.state.memory, 0, 1)
    wanted?.(domain.domid)
  }

  /** Runs `task` soon, from the event loop; domain 0 is not idle before. */
  defer(task: () => void): void {
    this.#track(0, setImmediate().then(task))
  }

  /** Keeps domain 0 from being idle until `work` settles; it must not depend on a pCPU. */
  busyWith(work: Promise<void>): void {
    this.#track(0, work)
  }

  /** Handles events until {@link stop}. Resolves then. */
  async start(): Promise<void> {
    const { i32 } = this.#memory
    const word = HYPERVISOR.dom0Wake.index(0)
    while (!this.#stopped) {
      const seen = Atomics.load(i32, word)
      this.#dispatch()
      this.#settle()
      const wait = Atomics.waitAsync(i32, word, seen)
      // A guest that never stops sending must not keep the event loop from files and sockets.
      if (wait.async) await wait.value
      else await setImmediate()
    }
  }

  stop(): void {
    this.#stopped = true
    wakeDom0(this.#memory)
  }

  #dispatch(): void {
    for (let word = 0; word < HYPERVISOR.dom0Pending.length; word++) {
      if (HYPERVISOR.dom0Pending.load(this.#memory, 0, word) === 0) continue
      const open = ~HYPERVISOR.dom0Masked.load(this.#memory, 0, word)
      let left = HYPERVISOR.dom0Pending.clear(this.#memory, 0, open, word) & open
      for (; left !== 0; left &= left - 1) {
        const port = word * 32 + 31 - Math.clz32(left & -left)
        const handler = this.#handlers.get(port)
        if (handler !== undefined) this.#run(port, handler)
      }
    }
  }

  #run(port: number, handler: PortHandler): void {
    try {
      const done = handler()
      if (done !== undefined) this.#track(port, done)
    } catch (error) {
      this.#failed(port, error)
    }
  }

  #track(port: number, done: Promise<void>): void {
    this.#working++
    const settled = () => {
      this.#working--
      if (this.#working === 0 && this.#virtual.size > 0) wakeDom0(this.#memory)
    }
    done.catch((error: unknown) => this.#failed(port, error)).then(settled)
  }

  /** Lets the workers go that wait for domain 0, if it is idle. */
  #settle(): void {
    for (const { domain, actions } of this.#virtual.values()) {
      if (DOMAIN.rendezvous.load(domain.state.memory, 0) === 0) continue
      for (const action of actions.splice(0)) {
        DOMAIN.outside.add(domain.state.memory, 0, -1)
        this.#run(0, action)
      }
      if (this.#working === 0 && !this.#anyPending()) letGo(domain)
    }
  }

  #anyPending(): boolean {
    for (let word = 0; word < HYPERVISOR.dom0Pending.length; word++) {
      const open = ~HYPERVISOR.dom0Masked.load(this.#memory, 0, word)
      if (HYPERVISOR.dom0Pending.load(this.#memory, 0, word) & open) return true
    }
    return false
  }
}

function letGo({ state }: Domain): void {
  if (DOMAIN.rendezvous.exchange(state.memory, 0, 0) === 0) return
  Atomics.notify(state.memory.i32, DOMAIN.rendezvous.index(0))
}
