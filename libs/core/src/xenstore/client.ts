import { bugOn } from '../errors.ts'
import { formatPerm, type Perms, parsePerms } from './perms.ts'
import type { Reply } from './reply.ts'
import type { PathRequest } from './request.ts'
import { Session } from './session.ts'
import type { Store } from './store.ts'
import { Transaction } from './transaction.ts'
import type { WatchTable } from './watch.ts'
import { refused, type Xenstore, type XenstoreAccess } from './xenstore.ts'

const ATTEMPTS = 8

/** Text and exceptions over requests and replies. */
class Access implements XenstoreAccess {
  readonly #apply: (request: PathRequest) => Reply

  constructor(apply: (request: PathRequest) => Reply) {
    this.#apply = apply
  }

  read(path: string): string | undefined {
    const value = this.readBytes(path)
    return value && Buffer.from(value.buffer).toString()
  }

  readBytes(path: string): Uint8Array | undefined {
    const reply = this.#ask({ op: 'read', path })
    return reply?.kind === 'value' ? Uint8Array.from(Buffer.from(reply.value, 'latin1')) : undefined
  }

  exists(path: string): boolean {
    return this.#ask({ op: 'getPerms', path }) !== undefined
  }

  ls(path: string): readonly string[] {
    const reply = this.#ask({ op: 'directory', path })
    return reply?.kind === 'names' ? reply.list.split('\0').slice(0, -1) : []
  }

  write(path: string, value: string | Uint8Array): void {
    this.#demand({
      op: 'write',
      path,
      value: Buffer.from(value).toString('latin1'),
    })
  }

  mkdir(path: string): void {
    this.#demand({ op: 'mkdir', path })
  }

  rm(path: string): void {
    this.#ask({ op: 'rm', path })
  }

  getPerms(path: string): Perms | undefined {
    const reply = this.#ask({ op: 'getPerms', path })
    return reply?.kind === 'perms' ? reply.perms : undefined
  }

  setPerms(path: string, perms: Perms | readonly string[]): void {
    const parsed = parsePerms(perms.map((perm) => (typeof perm === 'string' ? perm : formatPerm(perm))))
    if (!parsed) throw refused('EINVAL', 'setPerms', path)
    this.#demand({ op: 'setPerms', path, perms: parsed })
  }

  #demand(request: PathRequest): Reply {
    const reply = this.#apply(request)
    if (reply.kind === 'error') throw refused(reply.errno, request.op, request.path)
    return reply
  }

  /** undefined for a node that does not exist. */
  #ask(request: PathRequest): Reply | undefined {
    const reply = this.#apply(request)
    if (reply.kind !== 'error') return reply
    if (reply.errno === 'ENOENT') return undefined
    throw refused(reply.errno, request.op, request.path)
  }
}

/** A client in this process. */
export class XenstoreClient extends Access implements Xenstore {
  readonly #store: Store
  readonly #session: Session
  readonly #listeners = new Map<string, (path: string) => void>()
  #lastToken = 0

  /** @param domid on whose behalf; only domain 0 is privileged */
  constructor(store: Store, watches: WatchTable, domid: number) {
    super((request) => store.apply(request, this.#session.who))
    this.#store = store
    this.#session = new Session(store, watches, { domid, privileged: domid === 0 }, ({ token }, path) =>
      this.#listeners.get(token)?.(path),
    )
  }

  watch(path: string, changed: (path: string) => void): () => void {
    const token = String(++this.#lastToken)
    const reply = this.#session.watch(path, token)
    if (reply.kind === 'error') throw refused(reply.errno, 'watch', path)
    this.#listeners.set(token, changed)
    return () => {
      this.#listeners.delete(token)
      this.#session.unwatch(path, token)
    }
  }

  transaction<T>(body: (tx: XenstoreAccess) => T): T {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const transaction = new Transaction(this.#store)
      const result = body(new Access((request) => transaction.apply(request, this.#session.who)))
      bugOn(result instanceof Promise, 'xenstore: the body of a transaction is async; await before or after it')
      if (transaction.commit(this.#session.who).kind === 'ok') return result
    }
    throw refused('EAGAIN', 'transaction', '')
  }
}
