import type { Credentials } from './perms.ts'
import { OK, type Reply, refuse, sameReply } from './reply.ts'
import type { PathRequest } from './request.ts'
import type { Store } from './store.ts'
import { netChanges, type View } from './view.ts'

interface Step {
  readonly request: PathRequest
  readonly reply: Reply
}

/** What a step takes besides its path and value, in bytes. */
const STEP_BYTES = 64

/**
 * Requests that take effect together or not at all. They run on the tree as it was at the start. If another has
 * changed the store in the meantime, they are repeated on the current tree, and the transaction succeeds if that gives
 * the same replies: its client could not have told the difference.
 */
export class Transaction {
  readonly #store: Store
  readonly #version: number
  readonly #view: View
  readonly #steps: Step[] = []
  readonly #paths = new Set<string>()
  #bytes = 0
  #tooLarge = false

  constructor(store: Store) {
    this.#store = store
    this.#version = store.version
    this.#view = store.view()
  }

  /** ENOSPC if the transaction has become too large: it can still be ended, and then fails. */
  apply(request: PathRequest, who: Credentials): Reply {
    this.#bytes += sizeOf(request)
    this.#paths.add(request.path)
    const { quotas } = this.#store
    this.#tooLarge ||=
      this.#paths.size > quotas.of('transaction-nodes', who) || this.#bytes > quotas.of('transaction-bytes', who)
    if (this.#tooLarge) return refuse('ENOSPC')
    const reply = this.#view.apply(request, who)
    this.#steps.push({ request, reply })
    return reply
  }

  /** EAGAIN: a conflict, start over; ENOMEM: it became too large. The transaction is over either way. */
  commit(who: Credentials): Reply {
    if (this.#tooLarge) return refuse('ENOMEM')
    const current = this.#store.version === this.#version
    const view = current ? this.#view : this.#store.view()
    if (!current && !this.#steps.every(({ request, reply }) => sameReply(view.apply(request, who), reply))) {
      return refuse('EAGAIN')
    }
    const changes = netChanges(view.takeChanges(), this.#store.tree, view.tree)
    if (changes.length > 0) this.#store.adopt(view, changes)
    return OK
  }
}

function sizeOf(request: PathRequest): number {
  return STEP_BYTES + request.path.length + (request.op === 'write' ? request.value.length : 0)
}
