import type { XsNode } from './node.ts'
import type { Credentials } from './perms.ts'
import { Quotas } from './quota.ts'
import type { Reply } from './reply.ts'
import type { PathRequest } from './request.ts'
import { Tree } from './tree.ts'
import { type Change, netChanges, View } from './view.ts'

/** The current tree, and the only place where it is replaced. */
export class Store {
  readonly quotas: Quotas = new Quotas()
  #view: View
  #version = 0
  readonly #committed: (changes: readonly Change[]) => void

  /** @param committed called after the tree has changed, with the changes in the order they were made */
  constructor(committed: (changes: readonly Change[]) => void) {
    this.#committed = committed
    this.#view = new View(Tree.plant(), this.quotas)
    // Xen's own store has this node from its start, too.
    this.#view.apply({ op: 'mkdir', path: '/tool/xenstored' }, { domid: 0, privileged: true })
    this.#view.takeChanges()
  }

  get tree(): Tree {
    return this.#view.tree
  }

  /** Grows with each change. */
  get version(): number {
    return this.#version
  }

  /** A copy to work on; nobody sees its changes before `adopt`. */
  view(): View {
    return new View(this.tree.snapshot(), this.quotas)
  }

  /** The view was made of the current version, and takes its place. @param changes what watches are told */
  adopt(view: View, changes: readonly Change[]): void {
    this.#view = view
    this.#changed(changes)
  }

  /** Requests that the current tree answers as `before` did, and which remove nothing. */
  repeat(requests: readonly PathRequest[], who: Credentials, before: XsNode): void {
    for (const request of requests) this.#view.apply(request, who)
    if (this.#view.changed) this.#changed(netChanges(this.#view.takeChanges(), before, this.tree.root))
  }

  /** One request outside of a transaction. */
  apply(request: PathRequest, who: Credentials): Reply {
    const reply = this.#view.apply(request, who)
    if (this.#view.changed) this.#changed(this.#view.takeChanges())
    return reply
  }

  #changed(changes: readonly Change[]): void {
    this.#version++
    this.#committed(changes)
  }
}
