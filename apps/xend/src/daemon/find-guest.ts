import { CodedError } from '@paravane/core'
import { findDomain } from '../find-domain.ts'
import type { Domains, KnownDomain } from './domains.ts'

export const DOMAIN_0 = 'Domain-0'

/**
 * A domain that something is to be done to.
 * @param what is to be done, for the message: "pause"
 * @throws CodedError `DOMAIN_UNKNOWN`, `DOMAIN_PRIVILEGED` it is domain 0
 */
export function findGuest(domains: Domains, nameOrId: string, what: string): KnownDomain {
  if (nameOrId === DOMAIN_0 || nameOrId === '0') {
    throw new CodedError(
      { code: 'DOMAIN_PRIVILEGED' },
      `Cannot ${what} privileged domain ${DOMAIN_0}: it is the hypervisor's own process, which the host runs.`,
    )
  }
  return findDomain(
    domains.list().map((known) => ({ ...known, name: known.row.name, domid: known.row.domid })),
    nameOrId,
  )
}
