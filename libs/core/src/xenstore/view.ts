import { XENSTORE_PAYLOAD_MAX } from '../abi/io/xs-wire.ts'
import { lookup, nearest, type XsNode } from './node.ts'
import { absolutePath, countedLength, parentOf, ROOT, type XsPath } from './path.ts'
import { type Credentials, OWNER, type Perms, READ, rightsOf, WRITE } from './perms.ts'
import { type Quota, quotaOf } from './quota.ts'
import { OK, type Reply, refuse } from './reply.ts'
import type { PathRequest } from './request.ts'
import { missing, type Tree, withNode, without, withPerms, withValue } from './tree.ts'

/** One effect on the tree, as watches are told of it. */
export interface Change {
  readonly path: XsPath
  /** The node that was removed with all below it, or the node before its permissions changed. */
  readonly before?: XsNode
  readonly removed?: true
}

/**
 * A tree on which requests are carried out: checks permissions and quotas, replaces the tree, notes the changes.
 * A refused request has no effect.
 */
export class View {
  tree: Tree
  readonly changes: Change[] = []
  readonly #nextGeneration: () => number

  constructor(tree: Tree, nextGeneration: () => number) {
    this.tree = tree
    this.#nextGeneration = nextGeneration
  }

  /** Carries out one request on behalf of `who`. */
  apply(request: PathRequest, who: Credentials): Reply {
    const path = absolutePath(request.path, who.domid)
    if (!path || countedLength(path) > this.#quota('path-length', who)) return refuse('EINVAL')
    switch (request.op) {
      case 'write':
        return this.#write(path, request.value, who)
      case 'mkdir':
        return this.#mkdir(path, who)
      case 'rm':
        return this.#rm(path, who)
      case 'setPerms':
        return this.#setPerms(path, request.perms, who)
      default:
        return this.#inspect(path, request, who)
    }
  }

  #inspect(path: XsPath, request: PathRequest, who: Credentials): Reply {
    const node = this.#node(path, READ, who)
    if (isReply(node)) return node
    switch (request.op) {
      case 'read':
        return { kind: 'value', value: node.value }
      case 'getPerms':
        return { kind: 'perms', perms: node.perms }
      case 'directoryPart':
        return { kind: 'part', generation: node.generation, names: [...node.children.keys()], offset: request.offset }
      default:
        return { kind: 'names', names: [...node.children.keys()] }
    }
  }

  #write(path: XsPath, value: Uint8Array, who: Credentials): Reply {
    if (value.length > XENSTORE_PAYLOAD_MAX) return refuse('E2BIG')
    if (value.length > this.#quota('node-size', who)) return refuse('ENOSPC')
    const found = this.#findOrCreate(path, who)
    if (found.kind === 'error') return found
    this.tree = withValue(this.tree, path, value, this.#nextGeneration())
    this.changes.push({ path })
    return OK
  }

  #mkdir(path: XsPath, who: Credentials): Reply {
    const before = this.tree
    const found = this.#findOrCreate(path, who)
    if (this.tree !== before) this.changes.push({ path })
    return found
  }

  #findOrCreate(path: XsPath, who: Credentials): Reply {
    const found = this.#node(path, WRITE, who)
    if (!isReply(found)) return OK
    if (found.kind !== 'error' || found.errno !== 'ENOENT') return found
    const owned = this.tree.owned.get(who.domid) ?? 0
    if (owned + missing(this.tree, path) > this.#quota('nodes', who)) return refuse('ENOSPC')
    this.tree = withNode(this.tree, path, who.privileged ? undefined : who.domid, this.#nextGeneration())
    return OK
  }

  /** A node that does not exist is removed successfully if its parent does. */
  #rm(path: XsPath, who: Credentials): Reply {
    const node = this.#node(path, WRITE, who)
    if (isReply(node)) {
      const gone = node.kind === 'error' && node.errno === 'ENOENT' && lookup(this.tree.root, parentOf(path))
      return gone ? OK : node
    }
    if (path === ROOT) return refuse('EINVAL')
    this.tree = without(this.tree, path, this.#nextGeneration())
    this.changes.push({ path, before: node, removed: true })
    return OK
  }

  #setPerms(path: XsPath, perms: Perms, who: Credentials): Reply {
    if (perms.length > this.#quota('node-permissions', who)) return refuse('ENOSPC')
    const node = this.#node(path, OWNER, who)
    if (isReply(node)) return node
    if (!who.privileged && perms[0].domid !== node.perms[0].domid) return refuse('EPERM')
    this.tree = withPerms(this.tree, path, perms, this.#nextGeneration())
    this.changes.push({ path, before: node })
    return OK
  }

  /** The node, if `who` has these rights. Who lacks them on the nearest existing ancestor is not told it is missing. */
  #node(path: XsPath, rights: number, who: Credentials): XsNode | Reply {
    const node = lookup(this.tree.root, path)
    const { perms } = node ?? nearest(this.tree.root, path).node
    if ((rightsOf(perms, who) & rights) !== rights) return refuse('EACCES')
    return node ?? refuse('ENOENT')
  }

  #quota(quota: Quota, who: Credentials): number {
    return quotaOf(this.tree.root, quota, who)
  }
}

function isReply(found: XsNode | Reply): found is Reply {
  return 'kind' in found
}
