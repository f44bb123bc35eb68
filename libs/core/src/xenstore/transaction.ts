import { nearest, type XsNode } from './node.ts'
import { namesOf } from './path.ts'
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
  /** As it was at the start. */
  readonly #base: XsNode
  readonly #view: View
  readonly #steps: Step[] = []
  readonly #paths = new Set<string>()
  #bytes = 0
  #tooLarge = false

  constructor(store: Store) {
    this.#store = store
    this.#version = store.version
    this.#view = store.view()
    this.#base = this.#view.tree.root
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
    if (this.#store.version === this.#version) return this.#adopt(this.#view)
    if (who.privileged && this.#isUntouched(who)) {
      const requests = this.#steps.map(({ request }) => request)
      this.#store.repeat(requests, who, this.#base)
      return OK
    }
    const view = this.#store.view()
    const repeats = this.#steps.every(({ request, reply }) => sameReply(view.apply(request, who), reply))
    return repeats ? this.#adopt(view) : refuse('EAGAIN')
  }

  #adopt(view: View): Reply {
    const changes = view.takeChanges()
    // What was made and removed again may have left its new parents behind: no change to tell of, but one to keep.
    if (changes.length > 0) this.#store.adopt(view, netChanges(changes, this.#store.tree.root, view.tree.root))
    return OK
  }

  /** Nobody has changed what decides the replies to these steps, which remove nothing: they need no trial. */
  #isUntouched(who: Credentials): boolean {
    const { root } = this.#store.tree
    if (this.#steps.some(({ request }) => request.op === 'rm')) return false
    for (const text of this.#paths) {
      const path = this.#store.quotas.path(text, who)
      if (path === undefined) continue
      const [was, is] = [nearest(this.#base, namesOf(path)), nearest(root, namesOf(path))]
      if (was.depth !== is.depth || was.node.generation !== is.node.generation) return false
    }
    return true
  }
}

function sizeOf(request: PathRequest): number {
  return STEP_BYTES + request.path.length + (request.op === 'write' ? request.value.length : 0)
}
