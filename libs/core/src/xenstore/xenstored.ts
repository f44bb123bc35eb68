import type { Socket } from 'node:net'
import { XenstoreClient } from './client.ts'
import { DeliveryQueue } from './delivery-queue.ts'
import { Domains, type OpenRing, type StoreRing } from './domains.ts'
import type { Reply } from './reply.ts'
import type { RingConnection } from './ring-connection.ts'
import { Store } from './store.ts'
import { WatchTable } from './watch.ts'
import { refused, type Xenstore } from './xenstore.ts'

export interface XenstoredOptions {
  /** Calls its argument soon, each in the order given, from the event loop; `setImmediate` by default. */
  readonly defer?: (task: () => void) => void
  /** Told what a watch listener threw. By default it becomes an uncaught exception. */
  readonly watchFailed?: (error: unknown) => void
  /** Finds the ring an INTRODUCE message names. Without it that message is refused; `introduce` below is another way. */
  readonly openRing?: OpenRing
}

/** The store of domain 0: one tree, its in-process clients and the guests' connections. */
export class Xenstored {
  readonly #store: Store
  readonly #watches: WatchTable
  readonly #domains: Domains

  constructor(options: XenstoredOptions = {}) {
    const defer = options.defer ?? ((task) => void setImmediate(task))
    const queue = new DeliveryQueue(defer, options.watchFailed ?? throwLater)
    this.#watches = new WatchTable(queue)
    this.#store = new Store((changes) => this.#watches.fireChanges(changes, this.#store.tree.root))
    this.#domains = new Domains(this.#store, this.#watches, defer, options.openRing ?? (() => undefined))
  }

  /** A client in this process. @param domid on whose behalf; only domain 0 may do everything */
  client(domid: number = 0): Xenstore {
    return new XenstoreClient(this.#store, this.#watches, domid)
  }

  /** Serves a program of the host by the wire protocol (xs_wire.h), with domain 0's rights, until it closes the socket. */
  accept(socket: Socket): void {
    this.#domains.accept(socket)
  }

  /**
   * Makes a domain known and fires `@introduceDomain`. From now on its ring is served; call `poke` on the connection
   * when the guest sends the event. A domain that has no ring is known all the same.
   */
  introduce(domid: number): undefined
  introduce(domid: number, ring: StoreRing): RingConnection
  introduce(domid: number, ring?: StoreRing): RingConnection | undefined {
    accept(this.#domains.attach(domid, ring), 'introduce', domid)
    return this.#domains.ringOf(domid)
  }

  /** The domain shut down: fires `@releaseDomain`, once until `resume`. */
  domainShutdown(domid: number): void {
    accept(this.#domains.shutdown(domid), 'shutdown', domid)
  }

  /** The domain runs again after a shutdown (a checkpoint, or a migration that failed). */
  resume(domid: number): void {
    accept(this.#domains.resume(domid), 'resume', domid)
  }

  /** The domain is destroyed: drops its connection and the nodes it owns, fires `@releaseDomain`. */
  release(domid: number): void {
    accept(this.#domains.release(domid), 'release', domid)
  }

  isIntroduced(domid: number): boolean {
    return this.#domains.isIntroduced(domid)
  }

  /** Gives `domid`, a device model's domain, the rights of the domain it serves. */
  setTarget(domid: number, target: number): void {
    accept(this.#domains.setTarget(domid, target), 'setTarget', domid)
  }
}

function accept(reply: Reply, operation: string, domid: number): void {
  if (reply.kind === 'error') throw refused(reply.errno, operation, `domain ${domid}`)
}

function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}
