import { XENSTORE_PAYLOAD_MAX } from '../abi/io/xs-wire.ts'
import { lookup, nearest, type XsNode } from './node.ts'
import { namesOf, ROOT, type XsPath } from './path.ts'
import { type Credentials, OWNER, type Perms, READ, rightsOf, WRITE } from './perms.ts'
import type { Quotas } from './quota.ts'
import { OK, type Reply, refuse } from './reply.ts'
import type { PathRequest } from './request.ts'
import type { Tree } from './tree.ts'

/** One effect on the tree, as watches are told of it. */
export interface Change {
  readonly path: XsPath
  /** The node that was removed with all below it. */
  readonly removed?: XsNode
  /** Before they were changed, or the node was removed. */
  readonly perms?: Perms
}

/** A request, with what its path says. */
interface At {
  readonly path: XsPath
  readonly names: readonly string[]
  readonly who: Credentials
}

/**
 * A tree on which requests are carried out: checks permissions and quotas, changes the tree, notes the changes.
 * A refused request has no effect.
 */
export class View {
  readonly tree: Tree
  readonly #quotas: Quotas
  #changes: Change[] = []

  constructor(tree: Tree, quotas: Quotas) {
    this.tree = tree
    this.#quotas = quotas
  }

  get changed(): boolean {
    return this.#changes.length > 0
  }

  /** Those since the last call, in order. */
  takeChanges(): readonly Change[] {
    const changes = this.#changes
    this.#changes = []
    return changes
  }

  /** Carries out one request on behalf of `who`. */
  apply(request: PathRequest, who: Credentials): Reply {
    const path = this.#quotas.path(request.path, who)
    if (path === undefined) return refuse('EINVAL')
    const at: At = { path, names: namesOf(path), who }
    switch (request.op) {
      case 'write':
        return this.#write(at, request.value)
      case 'mkdir':
        return this.#mkdir(at)
      case 'rm':
        return this.#rm(at)
      case 'setPerms':
        return this.#setPerms(at, request.perms)
      default:
        return this.#inspect(at, request)
    }
  }

  #inspect(at: At, request: PathRequest): Reply {
    const node = this.#node(at, READ)
    if (isReply(node)) return node
    switch (request.op) {
      case 'read':
        return { kind: 'value', value: node.value }
      case 'getPerms':
        return { kind: 'perms', perms: node.perms }
      case 'directoryPart':
        return { kind: 'part', generation: node.generation, list: node.list, offset: request.offset }
      default:
        return { kind: 'names', list: node.list }
    }
  }

  #write(at: At, value: string): Reply {
    if (value.length > XENSTORE_PAYLOAD_MAX) return refuse('E2BIG')
    if (value.length > this.#quotas.of('node-size', at.who)) return refuse('ENOSPC')
    const found = this.#findOrCreate(at)
    if (found.kind === 'error') return found
    this.tree.setValue(at.names, value)
    this.#changes.push({ path: at.path })
    return OK
  }

  #mkdir(at: At): Reply {
    const found = this.#findOrCreate(at)
    if (found.kind === 'created') this.#changes.push({ path: at.path })
    return found.kind === 'error' ? found : OK
  }

  #findOrCreate(at: At): Reply | { readonly kind: 'created' } {
    const found = this.#node(at, WRITE)
    if (!isReply(found)) return OK
    if (found.kind !== 'error' || found.errno !== 'ENOENT') return found
    const { names, who } = at
    const { depth } = nearest(this.tree.root, names)
    const owned = this.tree.owned.get(who.domid) ?? 0
    if (owned + names.length - depth > this.#quotas.of('nodes', who)) return refuse('ENOSPC')
    this.tree.create(names, depth, who.privileged ? undefined : who.domid)
    return { kind: 'created' }
  }

  /** A node that does not exist is removed successfully if its parent does. */
  #rm(at: At): Reply {
    const { path, names } = at
    const node = this.#node(at, WRITE)
    if (isReply(node)) {
      const gone = node.kind === 'error' && node.errno === 'ENOENT' && lookup(this.tree.root, names.slice(0, -1))
      return gone ? OK : node
    }
    if (path === ROOT) return refuse('EINVAL')
    this.tree.remove(names)
    this.#changes.push({ path, removed: node, perms: node.perms })
    return OK
  }

  #setPerms(at: At, perms: Perms): Reply {
    const { path, names, who } = at
    if (perms.length > this.#quotas.of('permissions', who)) return refuse('ENOSPC')
    const node = this.#node(at, OWNER)
    if (isReply(node)) return node
    const before = node.perms
    if (!who.privileged && perms[0].domid !== before[0].domid) return refuse('EPERM')
    this.tree.setPerms(names, perms)
    this.#changes.push({ path, perms: before })
    return OK
  }

  /** The node, if `who` has these rights. Who lacks them on the nearest existing ancestor is not told it is missing. */
  #node({ names, who }: At, rights: number): XsNode | Reply {
    const { root } = this.tree
    const node = lookup(root, names)
    if (who.privileged) return node ?? refuse('ENOENT')
    const { perms } = node ?? nearest(root, names).node
    if ((rightsOf(perms, who) & rights) !== rights) return refuse('EACCES')
    return node ?? refuse('ENOENT')
  }
}

/** What somebody who looks only before and after sees: each node once, in the order in which they were touched first. */
export function netChanges(changes: readonly Change[], before: XsNode, after: XsNode): readonly Change[] {
  const net: Change[] = []
  for (const path of new Set(changes.map((change) => change.path))) {
    const names = namesOf(path)
    const was = lookup(before, names)
    if (lookup(after, names) !== undefined) net.push({ path, perms: was?.perms })
    // What is below a node that is gone goes with it.
    else if (was !== undefined && lookup(after, names.slice(0, -1))) net.push({ path, removed: was, perms: was.perms })
  }
  return net
}

function isReply(found: XsNode | Reply): found is Reply {
  return 'kind' in found
}
