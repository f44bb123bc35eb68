import type { Credentials } from './perms.ts'
import { QUOTA_PATH } from './quota.ts'
import type { Reply } from './reply.ts'
import type { PathRequest } from './request.ts'
import { plantTree, type Tree, withNode } from './tree.ts'
import { type Change, View } from './view.ts'

/** The current tree, and the only place where it is replaced. */
export class Store {
  #tree: Tree
  #generation = 0
  readonly #committed: (changes: readonly Change[]) => void

  /** @param committed called after the tree was replaced, with the changes in the order they were made */
  constructor(committed: (changes: readonly Change[]) => void) {
    this.#committed = committed
    const generation = this.#nextGeneration()
    this.#tree = withNode(plantTree(generation), QUOTA_PATH, undefined, generation)
  }

  get tree(): Tree {
    return this.#tree
  }

  /** A copy to work on; nobody sees its changes before `commit`. */
  view(): View {
    return new View(this.#tree, () => this.#nextGeneration())
  }

  /** The view was made from the current tree. */
  commit(view: View): void {
    this.#tree = view.tree
    this.#committed(view.changes)
  }

  /** One request outside of a transaction. */
  apply(request: PathRequest, who: Credentials): Reply {
    const view = this.view()
    const reply = view.apply(request, who)
    if (view.tree !== this.#tree) this.commit(view)
    return reply
  }

  #nextGeneration(): number {
    return ++this.#generation
  }
}
