/** All that xend knows of each domain: xm list --long. */
import type { KnownDomain } from './domains.ts'
import type { DomainDefinition } from './launch-record.ts'
import { type InactiveDomain, type ListedDomain, listed, listedInactive } from './listed-domain.ts'
import type { ManagedDomains } from './managed-domains.ts'

/** Of domain 0, and of one that another toolstack made, only what the hypervisor knows. */
export interface DomainDetails {
  readonly domain: ListedDomain | InactiveDomain
  readonly managed: boolean
  readonly definition?: DomainDefinition
}

/** @param own domain 0 */
export function domainDetails(
  own: ListedDomain,
  known: readonly KnownDomain[],
  managed: ManagedDomains,
): readonly DomainDetails[] {
  return [
    { domain: own, managed: false },
    ...known.map(({ row, record }) => ({
      domain: listed({ row, record }),
      managed: managed.has(row.uuid),
      ...(record && { definition: record }),
    })),
    ...managed.inactive().map((definition) => ({ domain: listedInactive(definition), managed: true, definition })),
  ]
}
