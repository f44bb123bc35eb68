import { Children } from './children.ts'
import type { Perms } from './perms.ts'

const NO_CHILDREN = new Children<XsNode>()

/** One node of a tree; changed by `Tree` only. */
export class XsNode {
  /** A character for each byte. */
  value = ''
  perms: Perms
  /** Of its own from the first child on. */
  children: Children<XsNode> = NO_CHILDREN
  /** Differs whenever value, permissions or the set of children differ (DIRECTORY_PART's gencnt). */
  generation: number
  /** The only tree that has this node, by its number; others that have it too do not change it. */
  readonly owner: number
  #list: string | undefined

  constructor(perms: Perms, generation: number, owner: number) {
    this.perms = perms
    this.generation = generation
    this.owner = owner
  }

  /** Names of the children, in order of creation, each with a NUL behind it. */
  get list(): string {
    this.#list ??= [...this.children.keys(), ''].join('\0')
    return this.#list
  }

  copyFor(owner: number): XsNode {
    const copy = new XsNode(this.perms, this.generation, owner)
    copy.value = this.value
    if (this.children.size > 0) copy.children = this.children.copy()
    copy.#list = this.#list
    return copy
  }

  /** The name is new. */
  add(name: string, child: XsNode): void {
    if (this.children === NO_CHILDREN) this.children = new Children()
    this.children.set(name, child)
    this.#list = undefined
  }

  /** The child with this name is another from now on. */
  replace(name: string, child: XsNode): void {
    this.children.set(name, child)
  }

  drop(name: string): void {
    this.children.delete(name)
    this.#list = undefined
  }
}

export function lookup(root: XsNode, names: readonly string[]): XsNode | undefined {
  let node: XsNode | undefined = root
  for (let n = 0; n < names.length && node !== undefined; n++) node = node.children.get(names[n]!)
  return node
}

/** The deepest node on the way that exists, and how many of the names lead to it. */
export function nearest(root: XsNode, names: readonly string[]): { readonly node: XsNode; readonly depth: number } {
  let node = root
  let depth = 0
  for (; depth < names.length; depth++) {
    const child = node.children.get(names[depth]!)
    if (child === undefined) break
    node = child
  }
  return { node, depth }
}
