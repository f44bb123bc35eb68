import { absolutePath, countedLength, type XsPath } from './path.ts'
import type { Credentials } from './perms.ts'

/**
 * What one unprivileged domain may use: the defaults, and what each is. Names as `xenstore-control quota` has them, but for
 * the last two, which are ours.
 */
export const QUOTAS = {
  nodes: { limit: 1000, what: 'nodes that a domain owns' },
  watches: { limit: 128, what: 'watches of a domain' },
  transactions: { limit: 10, what: 'open transactions of a domain' },
  outstanding: { limit: 20, what: 'replies that wait for a domain before its next request is read' },
  'transaction-nodes': { limit: 1024, what: 'nodes that one transaction may touch' },
  'node-size': { limit: 2048, what: 'bytes of a value' },
  'path-max': { limit: 2048, what: 'bytes of a path, without /local/domain/N/' },
  permissions: { limit: 5, what: 'entries in the permissions of a node' },
  'transaction-bytes': { limit: 262_144, what: 'bytes that one transaction may keep' },
  'event-bytes': { limit: 1_048_576, what: 'bytes of watch events that wait for a domain; more are dropped' },
} as const
export type Quota = keyof typeof QUOTAS

export function isQuota(name: string): name is Quota {
  return Object.hasOwn(QUOTAS, name)
}

/** The limits that hold. */
export class Quotas {
  readonly #limits = new Map<Quota, number>()

  limit(quota: Quota): number {
    return this.#limits.get(quota) ?? QUOTAS[quota].limit
  }

  /** From now on; what a domain has already stays. */
  set(quota: Quota, limit: number): void {
    this.#limits.set(quota, limit)
  }

  /** The path that `who` means; undefined: it is none, or too long for them. */
  path(text: string, who: Credentials): XsPath | undefined {
    const path = absolutePath(text, who.domid)
    return path !== undefined && (who.privileged || countedLength(path) <= this.limit('path-max')) ? path : undefined
  }

  /** Infinity for a privileged domain. */
  of(quota: Quota, who: Credentials): number {
    return who.privileged ? Number.POSITIVE_INFINITY : this.limit(quota)
  }
}
