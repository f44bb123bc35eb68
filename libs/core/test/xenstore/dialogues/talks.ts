import { CONTROL } from './control.ts'
import { DOMAINS } from './domains.ts'
import { NODES } from './nodes.ts'
import { PERMISSIONS } from './permissions.ts'
import { QUOTAS } from './quotas.ts'
import type { Talk } from './talk.ts'
import { TRANSACTIONS } from './transactions.ts'
import { WATCHES } from './watches.ts'

/** Every dialogue, by what it is about. */
export const TALKS: Readonly<Record<string, readonly Talk[]>> = {
  nodes: NODES,
  permissions: PERMISSIONS,
  transactions: TRANSACTIONS,
  watches: WATCHES,
  domains: DOMAINS,
  quotas: QUOTAS,
  control: CONTROL,
}
