import type { Socket } from 'node:net'
import { XenstoreClient } from './client.ts'
import { DeliveryQueue } from './delivery-queue.ts'
import { Domains, type OpenRing, type StoreRing } from './domains.ts'
import type { Quota } from './quota.ts'
import type { Reply } from './reply.ts'
import { RequestLog } from './request-log.ts'
import type { RingConnection } from './ring-connection.ts'
import { Store } from './store.ts'
import { WatchTable } from './watch.ts'
import { refused, type Xenstore } from './xenstore.ts'

export interface XenstoredOptions {
  /** Calls its argument soon, each in the order given, from the event loop; `setImmediate` by default. */
  readonly defer?: (task: () => void) => void
  /** Told what a watch listener threw, or a request that hit a bug of ours. By default it becomes an uncaught exception. */
  readonly failed?: (error: unknown) => void
  /** Finds the ring an INTRODUCE message names. Without it that message is refused; `introduce` below is another way. */
  readonly openRing?: OpenRing
  /** Takes what `xenstore-control print` says, and each request while `xenstore-control log on` holds. */
  readonly log?: (line: string) => void
}

/** The store of domain 0: one tree, its in-process clients and the guests' connections. */
export class Xenstored {
  readonly #store: Store
  readonly #watches: WatchTable
  readonly #domains: Domains

  constructor(options: XenstoredOptions = {}) {
    const defer = options.defer ?? ((task) => void setImmediate(task))
    const failed = options.failed ?? throwLater
    this.#watches = new WatchTable(new DeliveryQueue(defer, failed))
    this.#store = new Store((changes) => this.#watches.fireChanges(changes, this.#store.tree.root))
    this.#domains = new Domains({
      store: this.#store,
      watches: this.#watches,
      defer,
      openRing: options.openRing ?? (() => undefined),
      log: new RequestLog(options.log ?? (() => {})),
      failed,
    })
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

  /** The guest has sent the event of its store channel. */
  poke(domid: number): void {
    this.#domains.ringOf(domid)?.poke()
  }

  /** What one domain may use, from now on; the names are those of `xenstore-control quota`. */
  setQuota(quota: Quota, limit: number): void {
    this.#store.quotas.set(quota, limit)
  }

  // A program of the host may have released the domain before: then there is nobody to tell.

  /** The domain shut down: fires `@releaseDomain`, once until `resume`. */
  domainShutdown(domid: number): void {
    this.#domains.shutdown(domid)
  }

  /** The domain runs again after a shutdown (a checkpoint, or a migration that failed). */
  resume(domid: number): void {
    this.#domains.resume(domid)
  }

  /** The domain is destroyed: drops its connection and the nodes it owns, fires `@releaseDomain`. */
  release(domid: number): void {
    if (domid !== 0 && this.#domains.release(domid).kind === 'error') this.#domains.forget(domid)
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
