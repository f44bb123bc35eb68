import type { Domain, DomainDirectory } from '../domain/domain.ts'
import type { LockOwner } from '../domain/shared-lock.ts'
import type { SharedPage } from '../ring/shared-page.ts'

export interface GrantTablesInit {
  readonly domains: DomainDirectory
  /** Owner of locks in this thread. */
  readonly owner: LockOwner
}

/** A frame of a guest that domain 0 has mapped through a grant. */
export interface MappedGrant extends SharedPage {
  readonly gmfn: number
  /** Ends the mapping; the views must not be used any more. A second time does nothing. */
  release(): void
}

/** Grant tables of all domains, as one thread reaches them. */
export class GrantTables {
  readonly #domains: DomainDirectory

  constructor({ domains }: GrantTablesInit) {
    this.#domains = domains
  }

  /** Table of a domain by id. */
  domain(domid: number): Domain | undefined {
    return this.#domains.get(domid)
  }
}
