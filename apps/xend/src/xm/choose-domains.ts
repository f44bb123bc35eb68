import type { InactiveDomain, ListedDomain } from '../daemon/listed-domain.ts'
import { findDomain } from '../find-domain.ts'
import type { AskXend } from './ask-xend.ts'

type Listed = Pick<ListedDomain | InactiveDomain, 'name' | 'domid'>

/** Domain-0, then the others by name. */
export const byName = (a: Listed, b: Listed): number =>
  Number(b.domid === 0) - Number(a.domid === 0) || (a.name < b.name ? -1 : 1)

/** Those that are named, or all. @throws CodedError `DOMAIN_UNKNOWN` */
export async function chooseDomains(xend: AskXend, names: readonly string[]): Promise<readonly ListedDomain[]> {
  const all = await xend.call<readonly ListedDomain[]>('domain.list')
  const named = names.length === 0 ? all : names.map((name) => findDomain(all, name))
  return named.toSorted(byName)
}

/** The one that is named. @throws CodedError `DOMAIN_UNKNOWN` */
export async function chooseDomain(xend: AskXend, name: string): Promise<ListedDomain> {
  return findDomain(await xend.call<readonly ListedDomain[]>('domain.list'), name)
}
