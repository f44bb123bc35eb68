import { childOf, namesOf, type XsPath } from './path.ts'
import type { Perms } from './perms.ts'

/** One node. Never changed in place: an edit copies the nodes from the root down to it, so a root is a snapshot. */
export interface XsNode {
  readonly value: Uint8Array
  readonly perms: Perms
  /** By name, in order of creation. */
  readonly children: ReadonlyMap<string, XsNode>
  /** Differs whenever value, permissions or the set of children differ (DIRECTORY_PART's gencnt). */
  readonly generation: number
}

const NOTHING = new Uint8Array(0)

export function emptyNode(perms: Perms, generation: number): XsNode {
  return { value: NOTHING, perms, children: new Map(), generation }
}

export function lookup(root: XsNode, path: XsPath): XsNode | undefined {
  let node: XsNode | undefined = root
  for (const name of namesOf(path)) {
    node = node.children.get(name)
    if (!node) return undefined
  }
  return node
}

/** The deepest node on the way to `path` that exists, and how many names of the path lead to it. */
export function nearest(root: XsNode, path: XsPath): { readonly node: XsNode; readonly depth: number } {
  let node = root
  let depth = 0
  for (const name of namesOf(path)) {
    const child = node.children.get(name)
    if (!child) break
    node = child
    depth++
  }
  return { node, depth }
}

/** The tree with the node at `path` replaced by what `change` makes of it; the node exists. */
export function edited(root: XsNode, path: XsPath, change: (node: XsNode) => XsNode): XsNode {
  const names = namesOf(path)
  const edit = (node: XsNode, depth: number): XsNode => {
    const name = names[depth]
    if (name === undefined) return change(node)
    return { ...node, children: new Map(node.children).set(name, edit(node.children.get(name)!, depth + 1)) }
  }
  return edit(root, 0)
}

/** Every node below `node`, which is at `path`: each before what is below it, siblings in order of creation. */
export function* descendants(node: XsNode, path: XsPath): Generator<readonly [path: XsPath, node: XsNode]> {
  const open: (readonly [XsPath, XsNode])[] = [[path, node]]
  for (let next = open.pop(); next; next = open.pop()) {
    if (next[1] !== node) yield next
    for (const [name, child] of [...next[1].children].reverse()) open.push([childOf(next[0], name), child])
  }
}
