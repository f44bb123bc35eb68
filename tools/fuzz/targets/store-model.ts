import type { Access, Perm } from '../../../libs/core/src/xenstore/perms.ts'

/** What a well-behaved client asks of the store. */
export type ModelRequest =
  | { readonly op: 'read' | 'directory' | 'getPerms' | 'mkdir' | 'rm'; readonly path: string }
  | { readonly op: 'write'; readonly path: string; readonly value: string }
  | { readonly op: 'setPerms'; readonly path: string; readonly perms: readonly Perm[] }

interface ModelNode {
  readonly value: string
  readonly perms: readonly Perm[]
}
type Nodes = Map<string, ModelNode>

const NODE_SIZE = 2048
const NODE_PERMISSIONS = 5
const NODES = 1000
const PAYLOAD = 4096
/** Bits of what may be done. */
const RIGHTS: Readonly<Record<Access, number>> = { n: 0, r: 1, w: 2, b: 3 }

/**
 * The tree of docs/misc/xenstore.txt in the simplest form: a map from path to node in order of creation. What the store
 * answers its clients is judged by it. It knows unprivileged clients and correct absolute paths only.
 */
export class StoreModel {
  nodes: Nodes
  /** Nodes the model does not follow beside those it does, by owner: they count for quotas. */
  readonly #root: ModelNode = { value: '', perms: [{ domid: 0, access: 'n' }] }

  constructor(nodes: Iterable<readonly [string, ModelNode]>) {
    this.nodes = new Map(nodes)
  }

  /** The payload of the answer, an errno's name included. */
  apply(request: ModelRequest, domid: number): string {
    const { path } = request
    const node = this.nodes.get(path)
    const rights = this.#rights(path, domid)
    const needs = request.op === 'mkdir' || request.op === 'rm' || request.op === 'write' ? 2 : 1
    if (request.op === 'write' && request.value.length > PAYLOAD) return 'E2BIG\0'
    if (request.op === 'write' && request.value.length > NODE_SIZE) return 'ENOSPC\0'
    if (request.op === 'setPerms') return this.#setPerms(request.path, request.perms, rights, node)
    if ((rights & needs) === 0) return 'EACCES\0'
    switch (request.op) {
      case 'read':
        return node?.value ?? 'ENOENT\0'
      case 'getPerms':
        return node === undefined ? 'ENOENT\0' : node.perms.map((perm) => `${perm.access}${perm.domid}\0`).join('')
      case 'directory':
        return node === undefined ? 'ENOENT\0' : this.#children(path).join('')
      case 'rm':
        if (node === undefined) return this.nodes.has(parent(path)) ? 'OK\0' : 'ENOENT\0'
        for (const at of [...this.nodes.keys()]) if (at === path || at.startsWith(`${path}/`)) this.nodes.delete(at)
        return 'OK\0'
      case 'mkdir':
        return node !== undefined ? 'OK\0' : this.#create(path, domid)
      case 'write': {
        if (node === undefined) {
          const created = this.#create(path, domid)
          if (created !== 'OK\0') return created
        }
        this.nodes.set(path, { value: request.value, perms: this.nodes.get(path)!.perms })
        return 'OK\0'
      }
    }
  }

  mayRead(path: string, domid: number): boolean {
    return (this.#rights(path, domid) & 1) !== 0
  }

  owned(domid: number): number {
    let owned = 0
    for (const { perms } of this.nodes.values()) if (perms[0]!.domid === domid) owned++
    return owned
  }

  copy(): StoreModel {
    return new StoreModel(this.nodes)
  }

  #setPerms(path: string, perms: readonly Perm[], rights: number, node: ModelNode | undefined): string {
    if (perms.length > NODE_PERMISSIONS) return 'ENOSPC\0'
    if ((rights & 4) === 0) return 'EACCES\0'
    if (node === undefined) return 'ENOENT\0'
    if (perms[0]!.domid !== node.perms[0]!.domid) return 'EPERM\0'
    this.nodes.set(path, { value: node.value, perms })
    return 'OK\0'
  }

  #create(path: string, domid: number): string {
    const missing: string[] = []
    for (let at = path; !this.nodes.has(at) && at !== '/'; at = parent(at)) missing.unshift(at)
    if (this.owned(domid) + missing.length > NODES) return 'ENOSPC\0'
    const [first, ...others] = this.#nearest(path).perms
    for (const at of missing) {
      this.nodes.set(at, { value: '', perms: [{ domid, access: first!.access }, ...others] })
    }
    return 'OK\0'
  }

  #children(path: string): string[] {
    const names: string[] = []
    for (const at of this.nodes.keys()) if (parent(at) === path) names.push(`${at.slice(at.lastIndexOf('/') + 1)}\0`)
    return names
  }

  #nearest(path: string): ModelNode {
    for (let at = path; at !== '/'; at = parent(at)) {
      const node = this.nodes.get(at)
      if (node !== undefined) return node
    }
    return this.#root
  }

  #rights(path: string, domid: number): number {
    const { perms } = this.#nearest(path)
    if (perms[0]!.domid === domid) return 7
    return RIGHTS[(perms.slice(1).find((perm) => perm.domid === domid) ?? perms[0]!).access]
  }
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}
