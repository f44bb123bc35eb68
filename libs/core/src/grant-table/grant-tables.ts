import {
  GNTST_bad_domain,
  GNTST_bad_gntref,
  GNTST_bad_page,
  GNTST_eagain,
  GNTST_general_error,
  GNTST_no_device_space,
  GNTST_okay,
  GTF_permit_access,
  GTF_reading,
  GTF_writing,
} from '../abi/grant-table.ts'
import type { Domain, DomainDirectory, GuestDomain } from '../domain/domain.ts'
import { ACTIVE_GRANT, DOMAIN } from '../domain/domain-state.ts'
import { type LockOwner, SharedLock } from '../domain/shared-lock.ts'
import { bugOn } from '../errors.ts'
import { PAGE_SIZE, type SharedPage, sharedPage } from '../ring/shared-page.ts'
import {
  checkEntry,
  ENTRIES_PER_FRAME,
  entryFrame,
  entryIndex,
  pinEntry,
  swapEntries,
  unpinEntry,
  writeEntry,
} from './entry-v1.ts'

export interface GrantTablesInit {
  readonly domains: DomainDirectory
  /** Owner of locks in this thread. */
  readonly owner: LockOwner
}

/** A frame of a guest that domain 0 has mapped through a grant. `bytes` of a read-only one must not be written. */
export interface MappedGrant extends SharedPage {
  readonly gmfn: number
  readonly readonly: boolean
  /** Ends the mapping: the views must not be used any more. A second time does nothing. */
  release(): void
}

/** A grant in use: to be given back by {@link GrantTables.release}, once. */
export interface HeldGrant {
  readonly domain: GuestDomain
  readonly ref: number
  readonly readonly: boolean
  readonly gmfn: number
  /** Byte offset of the frame in the domain's memory. */
  readonly offset: number
}

/**
 * Grant tables of all domains, as one thread reaches them: version 1. What is in use is counted in the granting domain's
 * records, under its grant lock; the guest sees it in GTF_reading and GTF_writing and does not end the access before.
 */
export class GrantTables {
  readonly #domains: DomainDirectory
  readonly #owner: LockOwner

  constructor({ domains, owner }: GrantTablesInit) {
    this.#domains = domains
    this.#owner = owner
  }

  /**
   * Grows a domain's table to `frames`; it never shrinks.
   * @returns GNTST_*: general_error past its limit, no_device_space if the host has no room
   */
  grow(domain: GuestDomain, frames: number): number {
    const { memory } = domain.state
    if (frames > DOMAIN.maxGrantFrames.load(memory, 0)) return GNTST_general_error
    return this.#lock(domain).with(() => {
      for (let nr = DOMAIN.nrGrantFrames.load(memory, 0); nr < frames; nr++) {
        const gmfn = domain.frames.allocateShared()
        if (gmfn < 0) return GNTST_no_device_space
        DOMAIN.grantFrames.store(memory, 0, gmfn, nr)
        DOMAIN.nrGrantFrames.store(memory, 0, nr + 1)
      }
      return GNTST_okay
    })
  }

  /** For the toolstack: fills a reserved entry, before the guest runs. The table must reach that far. */
  grantAccess(domain: GuestDomain, ref: number, to: number, gmfn: number): void {
    bugOn(!writeEntry(domain, ref, to, gmfn, GTF_permit_access), 'grantAccess past the table')
  }

  /**
   * Maps a grant of domain `domid` for domain 0.
   * @returns the page, or GNTST_* of why not
   * @throws AbsentFrame if the frame must be fetched first; nothing is mapped then
   */
  mapGrant(domid: number, ref: number, readonly: boolean): MappedGrant | number {
    const held = this.hold(0, domid, ref, readonly)
    if (typeof held === 'number') return held
    const { memory } = held.domain
    const { gmfn, offset } = held
    const page = sharedPage(memory.bytes.buffer, memory.bytes.byteOffset + offset, (at, length) => {
      bugOn(readonly, 'write to a page that is granted read-only')
      memory.written(gmfn, at, length)
    })
    let released = false
    const release = () => {
      if (released) return
      released = true
      this.release(held)
    }
    return { ...page, gmfn, readonly, release }
  }

  /**
   * Takes a grant into use.
   * @param by the domid that uses it
   * @throws AbsentFrame with nothing taken
   */
  hold(by: number, domid: number, ref: number, readonly: boolean): HeldGrant | number {
    const named = this.#domains.get(domid)
    const domain = asGuest(named)
    if (domain === undefined) return named === undefined ? GNTST_bad_domain : grantOfDom0(ref)
    return this.#lock(domain).with(() => this.#hold(domain, by, ref, readonly))
  }

  #hold(domain: GuestDomain, by: number, ref: number, readonly: boolean): HeldGrant | number {
    if (entryIndex(domain, ref) < 0) return GNTST_bad_gntref
    const { memory } = domain.state
    const active = DOMAIN.activeGrants.at(0, ref)
    const uses = ACTIVE_GRANT.readers.load(memory, active) + ACTIVE_GRANT.writers.load(memory, active)
    // A count that could run over is refused long before.
    if (uses > 0x1000_0000) return GNTST_eagain
    if (uses > 0 && ACTIVE_GRANT.by.load(memory, active) !== by) return GNTST_general_error
    const pinned = pinEntry(domain, ref, by, readonly)
    if (pinned !== GNTST_okay) return pinned

    // While it is in use the frame is the one it was when the use began, whatever the guest has written there since.
    const gmfn = uses > 0 ? ACTIVE_GRANT.gmfn.load(memory, active) : entryFrame(domain, ref)
    let offset = 0
    try {
      offset = gmfn < 0x7fff_ffff ? domain.memory.frameOffset(gmfn) : 0
    } finally {
      if (offset === 0) this.#unpin(domain, ref)
    }
    if (offset === 0) return GNTST_bad_page
    if (!domain.frames.get(gmfn, !readonly)) {
      this.#unpin(domain, ref)
      return GNTST_general_error
    }
    ACTIVE_GRANT.gmfn.store(memory, active, gmfn)
    ACTIVE_GRANT.by.store(memory, active, by)
    const count = readonly ? ACTIVE_GRANT.readers : ACTIVE_GRANT.writers
    count.add(memory, active, 1)
    return { domain, ref, readonly, gmfn, offset }
  }

  /** What stands in the way of using a grant of `owner`, without using it. GNTST_* */
  check(by: number, owner: Domain, ref: number): number {
    const domain = asGuest(owner)
    return domain === undefined ? grantOfDom0(ref) : checkEntry(domain, ref, by)
  }

  /** Ends one use. */
  release({ domain, ref, readonly, gmfn }: HeldGrant): void {
    const { memory } = domain.state
    this.#lock(domain).with(() => {
      const active = DOMAIN.activeGrants.at(0, ref)
      const count = readonly ? ACTIVE_GRANT.readers : ACTIVE_GRANT.writers
      bugOn(count.add(memory, active, -1) <= 0, 'grant released more often than held')
      domain.frames.put(gmfn, !readonly)
      this.#unpin(domain, ref)
    })
  }

  /** Exchanges two entries of the caller's: eagain if one is in use. */
  swap(domain: GuestDomain, a: number, b: number): number {
    return this.#lock(domain).with(() => {
      const first = entryIndex(domain, a)
      const second = entryIndex(domain, b)
      if (first < 0 || second < 0) return GNTST_bad_gntref
      if (this.#uses(domain, a) > 0 || this.#uses(domain, b) > 0) return GNTST_eagain
      if (a !== b) swapEntries(domain, first, second)
      return GNTST_okay
    })
  }

  /** How many uses of a domain's entries there are, for its end: none may be left when its memory goes. */
  usesOf(domain: GuestDomain): number {
    let uses = 0
    const refs = DOMAIN.nrGrantFrames.load(domain.state.memory, 0) * (PAGE_SIZE / 8)
    for (let ref = 0; ref < refs; ref++) uses += this.#uses(domain, ref)
    return uses
  }

  #uses(domain: GuestDomain, ref: number): number {
    const { memory } = domain.state
    const active = DOMAIN.activeGrants.at(0, ref)
    return ACTIVE_GRANT.readers.load(memory, active) + ACTIVE_GRANT.writers.load(memory, active)
  }

  /** Clears what the counts no longer justify. */
  #unpin(domain: GuestDomain, ref: number): void {
    const { memory } = domain.state
    const active = DOMAIN.activeGrants.at(0, ref)
    const writers = ACTIVE_GRANT.writers.load(memory, active)
    const readers = ACTIVE_GRANT.readers.load(memory, active)
    if (writers === 0) unpinEntry(domain, ref, readers === 0 ? GTF_reading | GTF_writing : GTF_writing)
  }

  #lock(domain: Domain): SharedLock {
    return new SharedLock(domain.state.memory, DOMAIN.grantLock, 0, this.#owner)
  }
}

/** Domain 0 has a table of one frame, in which nothing is granted. */
function grantOfDom0(ref: number): number {
  return ref < ENTRIES_PER_FRAME ? GNTST_general_error : GNTST_bad_gntref
}

function asGuest(domain: Domain | undefined): GuestDomain | undefined {
  return domain?.memory !== undefined && domain.frames !== undefined ? (domain as GuestDomain) : undefined
}
