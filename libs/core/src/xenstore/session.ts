import { XENSTORE_PAYLOAD_MAX } from '../abi/io/xs-wire.ts'
import { isRelative, isSpecialPath } from './path.ts'
import type { Credentials } from './perms.ts'
import { OK, type Reply, refuse } from './reply.ts'
import type { Store } from './store.ts'
import { Transaction } from './transaction.ts'
import type { Watch, Watcher, WatchTable } from './watch.ts'

/** What one client of the store holds: its identity, its open transactions, its watches. */
export class Session implements Watcher {
  who: Credentials
  readonly atOnce: boolean
  readonly #store: Store
  readonly #watchTable: WatchTable
  readonly #event: (watch: Watch, path: string) => void
  readonly #watches = new Map<string, Watch>()
  readonly #transactions = new Map<number, Transaction>()
  #lastTransaction = 0

  /**
   * @param event receives the events of this client's watches
   * @param atOnce it may be called in the middle of a change, as it only puts them in a queue
   */
  constructor(
    store: Store,
    watchTable: WatchTable,
    who: Credentials,
    event: (watch: Watch, path: string) => void,
    atOnce: boolean = false,
  ) {
    this.atOnce = atOnce
    this.#store = store
    this.#watchTable = watchTable
    this.who = who
    this.#event = event
  }

  deliver(watch: Watch, path: string): void {
    this.#event(watch, path)
  }

  get watches(): number {
    return this.#watches.size
  }

  get transactions(): number {
    return this.#transactions.size
  }

  /** The first event, with the watched path itself, is on its way when this returns. */
  watch(path: string, token: string): Reply {
    const special = isSpecialPath(path)
    const absolute = special ? path : this.#store.quotas.path(path, this.who)
    if (!absolute || path.length + token.length + 2 > XENSTORE_PAYLOAD_MAX) return refuse('EINVAL')
    const key = watchKey(path, token)
    if (this.#watches.has(key)) return refuse('EEXIST')
    if (this.#watches.size >= this.#store.quotas.of('watches', this.who)) return refuse('E2BIG')
    this.#watches.set(key, this.#watchTable.add(this, absolute, isRelative(path), token))
    return OK
  }

  unwatch(path: string, token: string): Reply {
    const key = watchKey(path, token)
    const watch = this.#watches.get(key)
    if (!watch) return refuse('ENOENT')
    this.#watches.delete(key)
    this.#watchTable.remove(watch)
    return OK
  }

  /** Numbers from 1, which name a transaction until it ends. */
  startTransaction(): Reply {
    if (this.#transactions.size >= this.#store.quotas.of('transactions', this.who)) return refuse('ENOSPC')
    do this.#lastTransaction = (this.#lastTransaction + 1) >>> 0
    while (this.#lastTransaction === 0 || this.#transactions.has(this.#lastTransaction))
    this.#transactions.set(this.#lastTransaction, new Transaction(this.#store))
    return { kind: 'text', text: String(this.#lastTransaction) }
  }

  transaction(id: number): Transaction | undefined {
    return this.#transactions.get(id)
  }

  endTransaction(id: number, commit: boolean): Reply {
    const transaction = this.#transactions.get(id)
    if (!transaction) return refuse('ENOENT')
    this.#transactions.delete(id)
    return commit ? transaction.commit(this.who) : OK
  }

  /** Drops all watches and transactions, as at RESET_WATCHES, a reconnection or the end of the domain. */
  reset(): Reply {
    for (const watch of this.#watches.values()) this.#watchTable.remove(watch)
    this.#watches.clear()
    this.#transactions.clear()
    return OK
  }
}

/** A relative and an absolute path to one node are two watches, since their events differ. */
function watchKey(path: string, token: string): string {
  return `${path}\0${token}`
}
