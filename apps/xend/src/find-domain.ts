import { CodedError } from '@paravane/core'

interface Named {
  readonly name: string
  /** null: it does not run. */
  readonly domid: number | null
}

/** By name first, then by number, as xend always did. */
export function domainOf<T extends Named>(all: readonly T[], nameOrId: string): T | undefined {
  return (
    all.find(({ name }) => name === nameOrId) ?? all.find(({ domid }) => domid !== null && String(domid) === nameOrId)
  )
}

/** @throws CodedError `DOMAIN_UNKNOWN` */
export function findDomain<T extends Named>(all: readonly T[], nameOrId: string): T {
  const found = domainOf(all, nameOrId)
  if (found !== undefined) return found
  throw new CodedError({ code: 'DOMAIN_UNKNOWN', name: nameOrId }, `Domain '${nameOrId}' does not exist.`)
}
