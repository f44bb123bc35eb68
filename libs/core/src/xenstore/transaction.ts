import type { Credentials } from './perms.ts'
import { quotaOf } from './quota.ts'
import { OK, type Reply, refuse, sameReply } from './reply.ts'
import type { PathRequest } from './request.ts'
import type { Store } from './store.ts'
import type { Tree } from './tree.ts'
import type { View } from './view.ts'

interface Step {
  readonly request: PathRequest
  readonly reply: Reply
}

/**
 * Requests that take effect together or not at all. They run on the tree as it was at the start. If another has
 * changed the store in the meantime, they are repeated on the current tree, and the transaction succeeds if that gives
 * the same replies: its client could not have told the difference.
 */
export class Transaction {
  readonly #store: Store
  readonly #base: Tree
  readonly #view: View
  readonly #steps: Step[] = []
  #bytes = 0

  constructor(store: Store) {
    this.#store = store
    this.#base = store.tree
    this.#view = store.view()
  }

  /** ENOSPC if the transaction has become too large; it can still be ended. */
  apply(request: PathRequest, who: Credentials): Reply {
    const bytes = this.#bytes + sizeOf(request)
    const { root } = this.#base
    if (this.#steps.length >= quotaOf(root, 'transaction-requests', who)) return refuse('ENOSPC')
    if (bytes > quotaOf(root, 'transaction-bytes', who)) return refuse('ENOSPC')
    const reply = this.#view.apply(request, who)
    this.#steps.push({ request, reply })
    this.#bytes = bytes
    return reply
  }

  /** EAGAIN: a conflict, start over. The transaction is over either way. */
  commit(who: Credentials): Reply {
    if (this.#store.tree === this.#base) {
      this.#store.commit(this.#view)
      return OK
    }
    const view = this.#store.view()
    const repeats = this.#steps.every(({ request, reply }) => sameReply(view.apply(request, who), reply))
    if (!repeats) return refuse('EAGAIN')
    this.#store.commit(view)
    return OK
  }
}

function sizeOf(request: PathRequest): number {
  return request.path.length + (request.op === 'write' ? request.value.length : 0)
}
