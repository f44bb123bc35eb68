import type { Socket } from 'node:net'
import type { SharedPage } from '../ring/shared-page.ts'
import { type Controlled, control, type Usage } from './control.ts'
import type { FiringPath } from './path.ts'
import type { Credentials, Perms } from './perms.ts'
import { OK, type Reply, refuse } from './reply.ts'
import type { RequestLog } from './request-log.ts'
import { RingConnection } from './ring-connection.ts'
import { type DomainRequests, serveMessage } from './serve.ts'
import { Session } from './session.ts'
import { SocketConnection } from './socket-connection.ts'
import type { Store } from './store.ts'
import { traces } from './tree.ts'
import type { Watch, WatchTable } from './watch.ts'

/** A guest's store page and the way to send it the event of its store channel. */
export interface StoreRing {
  readonly page: SharedPage
  readonly notify: () => void
}

/** Finds the ring an INTRODUCE message names; undefined if there is none. */
export type OpenRing = (domid: number, gfn: number, port: number) => StoreRing | undefined

export interface DomainsInit {
  readonly store: Store
  readonly watches: WatchTable
  /** Calls its argument soon, from the event loop. */
  readonly defer: (task: () => void) => void
  readonly openRing: OpenRing
  readonly log: RequestLog
  /** Told of a bug of ours that a request has hit. */
  readonly failed: (error: unknown) => void
}

interface Introduced {
  readonly session: Session
  readonly ring?: RingConnection
  shutdown: boolean
}

/** The domains the store knows, and what is done when they come and go. */
export class Domains implements DomainRequests, Controlled {
  readonly store: Store
  readonly log: RequestLog
  readonly failed: (error: unknown) => void
  readonly #watches: WatchTable
  readonly #defer: (task: () => void) => void
  readonly #openRing: OpenRing
  readonly #introduced = new Map<number, Introduced>()
  readonly #specialPerms = new Map<FiringPath, Perms>()

  constructor(init: DomainsInit) {
    this.store = init.store
    this.log = init.log
    this.failed = init.failed
    this.#watches = init.watches
    this.#defer = init.defer
    this.#openRing = init.openRing
  }

  /** A domain without a ring is known, but cannot speak (one whose device model speaks for it). */
  attach(domid: number, ring: StoreRing | undefined): Reply {
    if (domid === 0) return refuse('EINVAL')
    if (this.#introduced.has(domid)) return refuse('EISCONN')
    const who: Credentials = { domid, privileged: false }
    const session = new Session(this.store, this.#watches, who, (watch, path) => connection?.sendEvent(watch, path))
    const connection = ring && this.#connect(session, ring)
    this.#introduced.set(domid, { session, ring: connection, shutdown: false })
    this.#fire('@introduceDomain')
    // The guest may have written requests before anyone listened.
    this.#defer(() => connection?.poke())
    return OK
  }

  /** A domain that is known stays as it is. */
  introduce(domid: number, gfn: number, port: number): Reply {
    if (domid === 0) return refuse('EINVAL')
    if (this.#introduced.has(domid)) return OK
    const ring = this.#openRing(domid, gfn, port)
    return ring ? this.attach(domid, ring) : refuse('ENOENT')
  }

  /** The domain is gone: what it owns is removed, what others granted it is taken back, before its number is reused. */
  release(domid: number): Reply {
    const introduced = this.#introduced.get(domid)
    if (!introduced) return unknown(domid)
    this.#introduced.delete(domid)
    introduced.ring?.close()
    introduced.session.reset()
    for (const { session } of this.#introduced.values()) {
      if (session.who.target === domid) session.who = { ...session.who, target: undefined }
    }
    this.forget(domid)
    this.#fire('@releaseDomain')
    return OK
  }

  /** The domain has shut down and still exists. Announced once, until it is resumed. */
  shutdown(domid: number): Reply {
    const introduced = this.#introduced.get(domid)
    if (!introduced) return refuse('ENOENT')
    if (introduced.shutdown) return OK
    introduced.shutdown = true
    this.#fire('@releaseDomain')
    return OK
  }

  resume(domid: number): Reply {
    const introduced = this.#introduced.get(domid)
    if (!introduced) return unknown(domid)
    introduced.shutdown = false
    return OK
  }

  setTarget(domid: number, target: number): Reply {
    const introduced = this.#introduced.get(domid)
    if (!introduced || !this.isIntroduced(target)) return refuse('ENOENT')
    introduced.session.who = { ...introduced.session.who, target }
    return OK
  }

  isIntroduced(domid: number): boolean {
    return domid === 0 || this.#introduced.has(domid)
  }

  control(command: string, args: readonly string[]): Reply {
    return control(this, command, args)
  }

  usage(): readonly Usage[] {
    return [...this.#introduced].map(([domid, { session, ring }]) => ({
      domid,
      nodes: this.store.tree.owned.get(domid) ?? 0,
      watches: session.watches,
      transactions: session.transactions,
      outstanding: ring?.outstanding ?? 0,
    }))
  }

  ringOf(domid: number): RingConnection | undefined {
    return this.#introduced.get(domid)?.ring
  }

  specialPerms(path: FiringPath): Perms {
    return this.#specialPerms.get(path) ?? [{ domid: 0, access: 'n' }]
  }

  setSpecialPerms(path: FiringPath, perms: Perms): void {
    this.#specialPerms.set(path, perms)
  }

  /** A program of the host, with domain 0's rights, until it closes the socket. */
  accept(socket: Socket): void {
    const who: Credentials = { domid: 0, privileged: true }
    const event = (watch: Watch, path: string): void => connection.sendEvent(watch, path)
    const session = new Session(this.store, this.#watches, who, event, true)
    const connection = new SocketConnection(socket, {
      serve: (message) => serveMessage(this.store, this, session, message),
      gone: () => void session.reset(),
    })
  }

  #connect(session: Session, ring: StoreRing): RingConnection {
    return new RingConnection(ring.page, ring.notify, {
      serve: (message) => serveMessage(this.store, this, session, message),
      reset: () => session.reset(),
      eventBytes: () => this.store.quotas.limit('event-bytes'),
      outstanding: () => this.store.quotas.limit('outstanding'),
      defer: this.#defer,
    })
  }

  #fire(path: FiringPath): void {
    this.#watches.fireSpecial(path, this.specialPerms(path))
  }

  /** Removes what the domain owns, and takes back what others granted it. */
  forget(domid: number): void {
    const domain0: Credentials = { domid: 0, privileged: true }
    const { owned, mentions } = traces(this.store.tree, domid)
    for (const path of owned) this.store.apply({ op: 'rm', path }, domain0)
    for (const path of mentions) {
      const reply = this.store.apply({ op: 'getPerms', path }, domain0)
      if (reply.kind !== 'perms') continue
      const [owner, ...others] = reply.perms
      const perms: Perms = [owner, ...others.filter((perm) => perm.domid !== domid)]
      this.store.apply({ op: 'setPerms', path, perms }, domain0)
    }
    for (const [path, [owner, ...others]] of this.#specialPerms) {
      this.#specialPerms.set(path, [owner, ...others.filter((perm) => perm.domid !== domid)])
    }
  }
}

/** Domain 0 is always there, and none of those that come and go. */
function unknown(domid: number): Reply {
  return refuse(domid === 0 ? 'EINVAL' : 'ENOENT')
}
