import { CodedError } from '@paravane/core'
import type { DomainDetails } from '../daemon/domain-details.ts'
import type { InactiveDomain, ListedDomain } from '../daemon/listed-domain.ts'
import { findDomain } from '../find-domain.ts'
import type { AskXend } from './ask-xend.ts'

/** One that does not run has no number. */
export type AnyDomain = ListedDomain | InactiveDomain

/** Domain-0, then the others by name. */
const byName = ({ domain: a }: DomainDetails, { domain: b }: DomainDetails): number =>
  Number(b.domid === 0) - Number(a.domid === 0) || (a.name < b.name ? -1 : 1)

/** Those that are named, or all, with what they are made of. @throws CodedError `DOMAIN_UNKNOWN` */
export async function chooseDetails(xend: AskXend, names: readonly string[]): Promise<readonly DomainDetails[]> {
  const all = await xend.call<readonly DomainDetails[]>('domain.details')
  const found = all.map((details) => ({ details, name: details.domain.name, domid: details.domain.domid }))
  const named = names.length === 0 ? found : names.map((name) => findDomain(found, name))
  return named.map(({ details }) => details).toSorted(byName)
}

/** Those that are named, or all. @throws CodedError `DOMAIN_UNKNOWN` */
export async function chooseDomains(xend: AskXend, names: readonly string[]): Promise<readonly AnyDomain[]> {
  return (await chooseDetails(xend, names)).map(({ domain }) => domain)
}

/** The one that is named, which runs. @throws CodedError `DOMAIN_UNKNOWN`, `DOMAIN_STATE` */
export async function chooseDomain(xend: AskXend, name: string): Promise<ListedDomain> {
  const [{ domain }] = (await chooseDetails(xend, [name])) as [DomainDetails]
  if (domain.domid !== null) return domain
  throw new CodedError({ code: 'DOMAIN_STATE', name }, `Domain '${name}' is not running; xm start ${name} starts it`)
}
