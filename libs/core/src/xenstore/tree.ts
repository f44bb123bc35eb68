import { XsNode } from './node.ts'
import { childOf, ROOT, type XsPath } from './path.ts'
import type { Perms } from './perms.ts'

/** What a tree and its snapshots number together: edits, and the trees themselves. */
interface Numbers {
  edit: number
  tree: number
}

/**
 * Everything the store holds. A snapshot shares its nodes; whichever of the two is changed then copies the nodes from the
 * root down to what it changes, once. The edits check neither permissions nor quotas.
 */
export class Tree {
  #root: XsNode
  /** How many nodes each domain owns; domain 0's are not counted. */
  readonly #owned: Map<number, number>
  readonly #numbers: Numbers
  #owner: number

  private constructor(root: XsNode | undefined, owned: ReadonlyMap<number, number>, numbers: Numbers) {
    this.#numbers = numbers
    this.#owner = ++numbers.tree
    this.#root = root ?? new XsNode([{ domid: 0, access: 'n' }], ++numbers.edit, this.#owner)
    this.#owned = new Map(owned)
  }

  static plant(): Tree {
    return new Tree(undefined, new Map(), { edit: 0, tree: 0 })
  }

  /** A tree with the same nodes, which goes its own way from now on. */
  snapshot(): Tree {
    this.#owner = ++this.#numbers.tree
    return new Tree(this.#root, this.#owned, this.#numbers)
  }

  get root(): XsNode {
    return this.#root
  }

  get owned(): ReadonlyMap<number, number> {
    return this.#owned
  }

  /**
   * Creates the node and its missing ancestors.
   * @param depth how many of the names are there
   * @param owner of what is created; by default that of the nearest ancestor, whose permissions are inherited
   */
  create(names: readonly string[], depth: number, owner: number | undefined): void {
    const generation = ++this.#numbers.edit
    let node = this.#own(names, depth)
    node.generation = generation
    const [first, ...others] = node.perms
    const perms: Perms =
      owner === undefined || owner === first.domid ? node.perms : [{ ...first, domid: owner }, ...others]
    for (let at = depth; at < names.length; at++) {
      const child = new XsNode(perms, generation, this.#owner)
      node.add(names[at]!, child)
      node = child
    }
    this.#count(perms[0].domid, names.length - depth)
  }

  /** The node exists. */
  setValue(names: readonly string[], value: string): void {
    const node = this.#own(names, names.length)
    node.value = value
    node.generation = ++this.#numbers.edit
  }

  /** The node exists. */
  setPerms(names: readonly string[], perms: Perms): void {
    const node = this.#own(names, names.length)
    this.#count(node.perms[0].domid, -1)
    this.#count(perms[0].domid, 1)
    node.perms = perms
    node.generation = ++this.#numbers.edit
  }

  /** Removes the node, which exists and is not the root, with everything below it. */
  remove(names: readonly string[]): void {
    const parent = this.#own(names, names.length - 1)
    const name = names[names.length - 1]!
    childrenFirst(parent.children.get(name)!, ROOT, (_, { perms }) => this.#count(perms[0].domid, -1))
    parent.drop(name)
    parent.generation = ++this.#numbers.edit
  }

  /** The node at the end of the first `depth` names, which is no other tree's. */
  #own(names: readonly string[], depth: number): XsNode {
    if (this.#root.owner !== this.#owner) this.#root = this.#root.copyFor(this.#owner)
    let node = this.#root
    for (let n = 0; n < depth; n++) {
      const name = names[n]!
      let child = node.children.get(name)!
      if (child.owner !== this.#owner) {
        child = child.copyFor(this.#owner)
        node.replace(name, child)
      }
      node = child
    }
    return node
  }

  #count(owner: number, change: number): void {
    if (owner === 0) return
    const count = (this.#owned.get(owner) ?? 0) + change
    if (count === 0) this.#owned.delete(owner)
    else this.#owned.set(owner, count)
  }
}

/** Visits the node, which is at `path`, after everything below it, siblings in order of creation. */
export function childrenFirst(node: XsNode, path: XsPath, visit: (path: XsPath, node: XsNode) => void): void {
  for (const [name, child] of node.children) childrenFirst(child, childOf(path, name), visit)
  visit(path, node)
}

/** The uppermost nodes a domain owns, and the other nodes that mention it in their permissions. */
export function traces(
  { root }: Tree,
  domid: number,
): { readonly owned: readonly XsPath[]; readonly mentions: readonly XsPath[] } {
  const owned: XsPath[] = []
  const mentions: XsPath[] = []
  const visit = (node: XsNode, path: XsPath): void => {
    if (node.perms[0].domid === domid) {
      owned.push(path)
      return
    }
    if (node.perms.some((perm) => perm.domid === domid)) mentions.push(path)
    for (const [name, child] of node.children) visit(child, childOf(path, name))
  }
  visit(root, ROOT)
  return { owned, mentions }
}
