import type { DeliveryQueue } from './delivery-queue.ts'
import { lookup, type XsNode } from './node.ts'
import { namesOf, relativeTo, type SpecialPath, selfAndAncestors, type XsPath } from './path.ts'
import { type Credentials, type Perms, READ, rightsOf } from './perms.ts'
import { childrenFirst } from './tree.ts'
import type { Change } from './view.ts'

/** Whoever registers watches: a connection. */
export interface Watcher {
  readonly who: Credentials
  /** `deliver` runs no code of others and may be called in the middle of a change. */
  readonly atOnce: boolean
  /** @param path what changed, relative if the watch is */
  deliver(watch: Watch, path: string): void
}

/** A registered interest in a node and everything below it. */
export interface Watch {
  readonly watcher: Watcher
  readonly path: XsPath | SpecialPath
  readonly relative: boolean
  readonly token: string
  /** Place in the order of registration, in which watches fire. */
  readonly order: number
  /** False once unregistered: an event still on its way is dropped. */
  active: boolean
}

/** All watches, and which of them a change concerns. */
export class WatchTable {
  readonly #byPath = new Map<string, Set<Watch>>()
  readonly #queue: DeliveryQueue
  #registered = 0

  constructor(queue: DeliveryQueue) {
    this.#queue = queue
  }

  /** Registers, and fires once with the watched path itself. */
  add(watcher: Watcher, path: XsPath | SpecialPath, relative: boolean, token: string): Watch {
    const watch: Watch = { watcher, path, relative, token, order: this.#registered++, active: true }
    const there = this.#byPath.get(path)
    if (there) there.add(watch)
    else this.#byPath.set(path, new Set([watch]))
    this.#fire(watch, path)
    return watch
  }

  remove(watch: Watch): void {
    watch.active = false
    const there = this.#byPath.get(watch.path)
    there?.delete(watch)
    if (there?.size === 0) this.#byPath.delete(watch.path)
  }

  /**
   * Fires for each change in turn the watches on removed nodes below the node, children first, then those on it and its
   * ancestors in order of registration. Only those who may read the node, or its parent, hear of it.
   * @param root the tree after the changes
   */
  fireChanges(changes: readonly Change[], root: XsNode): void {
    if (this.#byPath.size === 0) return
    for (const change of changes) {
      if (change.removed !== undefined) {
        childrenFirst(change.removed, change.path, (path, { perms }) => {
          if (path !== change.path) this.#fireAll([path], path, (who) => mayRead(perms, who))
        })
      }
      this.#fireAll(selfAndAncestors(change.path), change.path, (who) => mayHear(change, root, who))
    }
  }

  /** Domain 0 hears of special events, and whom `perms` name. */
  fireSpecial(path: SpecialPath, perms: Perms): void {
    this.#fireAll([path], path, (who) => mayRead(perms, who))
  }

  #fireAll(watched: Iterable<string>, path: XsPath | SpecialPath, permitted: (who: Credentials) => boolean): void {
    const concerned: Watch[] = []
    for (const at of watched) {
      const there = this.#byPath.get(at)
      if (there !== undefined) concerned.push(...there)
    }
    for (const watch of concerned.sort((a, b) => a.order - b.order)) {
      if (permitted(watch.watcher.who)) this.#fire(watch, path)
    }
  }

  #fire(watch: Watch, path: XsPath | SpecialPath): void {
    const seen = watch.relative ? relativeTo(watch.watcher.who.domid, path as XsPath) : path
    if (watch.watcher.atOnce) watch.watcher.deliver(watch, seen)
    else this.#deliverSoon(watch, seen)
  }

  #deliverSoon(watch: Watch, seen: string): void {
    this.#queue.push(() => {
      if (watch.active) watch.watcher.deliver(watch, seen)
    })
  }
}

function mayRead(perms: Perms, who: Credentials): boolean {
  return (rightsOf(perms, who) & READ) !== 0
}

function mayHear({ path, perms }: Change, root: XsNode, who: Credentials): boolean {
  if (who.privileged || (perms && mayRead(perms, who))) return true
  const names = namesOf(path)
  const node = lookup(root, names)
  if (node && mayRead(node.perms, who)) return true
  if (!node && !perms) return false
  const parent = lookup(root, names.slice(0, -1))
  return parent !== undefined && mayRead(parent.perms, who)
}
