import { CodedError } from '@paravane/core'
import { domainOf, findDomain } from '../find-domain.ts'
import { DOMAIN_0 } from './domain-0.ts'
import type { Domains, KnownDomain } from './domains.ts'
import type { ManagedDomains } from './managed-domains.ts'

/**
 * A domain that something is to be done to.
 * @param what is to be done, for the message: "pause"
 * @throws CodedError `DOMAIN_UNKNOWN`, `DOMAIN_STATE` it does not run, `DOMAIN_PRIVILEGED` it is domain 0
 */
export function findGuest(domains: Domains, managed: ManagedDomains, nameOrId: string, what: string): KnownDomain {
  if (nameOrId === DOMAIN_0 || nameOrId === '0') {
    throw new CodedError(
      { code: 'DOMAIN_PRIVILEGED' },
      `Cannot ${what} privileged domain ${DOMAIN_0}: it is the hypervisor's own process, which the host runs.`,
    )
  }
  const live = domains.list().map((known) => ({ ...known, name: known.row.name, domid: known.row.domid }))
  if (domainOf(live, nameOrId) === undefined && managed.inactive().some(({ config }) => config.name === nameOrId)) {
    throw new CodedError(
      { code: 'DOMAIN_STATE', name: nameOrId },
      `Domain '${nameOrId}' is not running; xm start ${nameOrId} starts it`,
    )
  }
  return findDomain(live, nameOrId)
}
