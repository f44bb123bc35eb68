import { lookup, type XsNode } from './node.ts'
import type { XsPath } from './path.ts'
import type { Credentials } from './perms.ts'

/**
 * What one unprivileged domain may use, and the defaults. Domain 0 changes a limit by writing a decimal number to
 * `/tool/xenstored/quota/NAME`, or `/tool/xenstored/quota/DOMID/NAME` for one domain; it holds from then on.
 */
export const QUOTAS = {
  /** Nodes it owns. */
  nodes: 1000,
  watches: 128,
  /** Transactions open at a time. */
  transactions: 10,
  /** Requests in one transaction, and bytes of paths and values in them. */
  'transaction-requests': 1024,
  'transaction-bytes': 262_144,
  /** Bytes of one value. */
  'node-size': 2048,
  /** Entries in the permissions of one node. */
  'node-permissions': 5,
  /** Bytes of a path after `/local/domain/N/` (XENSTORE_REL_PATH_MAX). */
  'path-length': 2048,
  /** Bytes of watch events it has not taken from its ring yet; more are dropped. */
  'event-backlog': 1_048_576,
} as const
export type Quota = keyof typeof QUOTAS

export const QUOTA_PATH: XsPath = '/tool/xenstored/quota' as XsPath

/** The limit that holds for `who` in this tree; Infinity for a privileged domain. */
export function quotaOf(root: XsNode, quota: Quota, who: Credentials): number {
  if (who.privileged) return Number.POSITIVE_INFINITY
  return (
    setting(root, `${QUOTA_PATH}/${who.domid}/${quota}`) ?? setting(root, `${QUOTA_PATH}/${quota}`) ?? QUOTAS[quota]
  )
}

function setting(root: XsNode, path: string): number | undefined {
  const value = lookup(root, path as XsPath)?.value
  const text = value && Buffer.from(value).toString('latin1')
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
