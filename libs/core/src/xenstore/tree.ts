import { descendants, edited, emptyNode, lookup, nearest, type XsNode } from './node.ts'
import { namesOf, parentOf, ROOT, type XsPath } from './path.ts'
import type { Perms } from './perms.ts'

/** Everything the store holds at one moment. Immutable: keeping a reference is taking a snapshot. */
export interface Tree {
  readonly root: XsNode
  /** How many nodes each domain owns; domain 0's are not counted. */
  readonly owned: ReadonlyMap<number, number>
}

/** The edits below check neither permissions nor quotas. `generation` is the number the changed nodes get. */
export function plantTree(generation: number): Tree {
  return { root: emptyNode([{ domid: 0, access: 'n' }], generation), owned: new Map() }
}

function counted(tree: Tree, owner: number, change: number): ReadonlyMap<number, number> {
  if (owner === 0 || change === 0) return tree.owned
  const owned = new Map(tree.owned)
  const count = (owned.get(owner) ?? 0) + change
  if (count === 0) owned.delete(owner)
  else owned.set(owner, count)
  return owned
}

/** How many nodes `withNode` would create. */
export function missing(tree: Tree, path: XsPath): number {
  return namesOf(path).length - nearest(tree.root, path).depth
}

/** Creates the node and its missing ancestors. They inherit permissions; `owner`, if given, owns what is created. */
export function withNode(tree: Tree, path: XsPath, owner: number | undefined, generation: number): Tree {
  const names = namesOf(path)
  const { node: ancestor, depth } = nearest(tree.root, path)
  const [first, ...others] = ancestor.perms
  const perms: Perms = [owner === undefined ? first : { ...first, domid: owner }, ...others]
  let branch = emptyNode(perms, generation)
  for (let at = names.length - 1; at > depth; at--) {
    branch = { ...emptyNode(perms, generation), children: new Map([[names[at]!, branch]]) }
  }
  const root = edited(tree.root, `/${names.slice(0, depth).join('/')}` as XsPath, (node) => ({
    ...node,
    children: new Map(node.children).set(names[depth]!, branch),
    generation,
  }))
  return { root, owned: counted(tree, perms[0].domid, names.length - depth) }
}

export function withValue(tree: Tree, path: XsPath, value: Uint8Array, generation: number): Tree {
  return { ...tree, root: edited(tree.root, path, (node) => ({ ...node, value, generation })) }
}

export function withPerms(tree: Tree, path: XsPath, perms: Perms, generation: number): Tree {
  const before = lookup(tree.root, path)!.perms[0].domid
  const root = edited(tree.root, path, (node) => ({ ...node, perms, generation }))
  const released = { root, owned: counted(tree, before, -1) }
  return { root, owned: counted(released, perms[0].domid, 1) }
}

/** Removes the node, which exists and is not the root, with everything below it. */
export function without(tree: Tree, path: XsPath, generation: number): Tree {
  const node = lookup(tree.root, path)!
  const name = path.slice(path.lastIndexOf('/') + 1)
  const root = edited(tree.root, parentOf(path), (parent) => {
    const children = new Map(parent.children)
    children.delete(name)
    return { ...parent, children, generation }
  })
  const losses = new Map([[node.perms[0].domid, 1]])
  for (const [, { perms }] of descendants(node, path)) losses.set(perms[0].domid, (losses.get(perms[0].domid) ?? 0) + 1)
  let { owned } = tree
  for (const [owner, loss] of losses) owned = counted({ root, owned }, owner, -loss)
  return { root, owned }
}

/** The uppermost nodes a domain owns, and the other nodes that mention it in their permissions. */
export function traces(
  tree: Tree,
  domid: number,
): { readonly owned: readonly XsPath[]; readonly mentions: readonly XsPath[] } {
  const owned: XsPath[] = []
  const mentions: XsPath[] = []
  for (const [path, { perms }] of descendants(tree.root, ROOT)) {
    const last = owned.at(-1)
    if (last !== undefined && path.startsWith(`${last}/`)) continue
    if (perms[0].domid === domid) owned.push(path)
    else if (perms.some((perm) => perm.domid === domid)) mentions.push(path)
  }
  return { owned, mentions }
}
