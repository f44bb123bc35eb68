import {
  GNTST_bad_gntref,
  GNTST_eagain,
  GNTST_general_error,
  GNTST_okay,
  GTF_permit_access,
  GTF_reading,
  GTF_readonly,
  GTF_type_mask,
  GTF_writing,
  grant_entry_v1,
} from '../abi/grant-table.ts'
import { sizeof } from '../abi/struct.ts'
import type { GuestDomain } from '../domain/domain.ts'
import { DOMAIN } from '../domain/domain-state.ts'
import { PAGE_SIZE } from '../ring/shared-page.ts'

/** Entries of version 1 in a frame. */
export const ENTRIES_PER_FRAME: number = PAGE_SIZE / sizeof(grant_entry_v1)

/** Times an entry that the guest keeps changing is tried. */
const TRIES = 16

/**
 * Index in `memory.words` of an entry's first word (flags in the low half, domid in the high one; the frame is in the
 * word behind it), or -1 if the table has no such entry. The table's frames are Xen's and never absent.
 */
export function entryIndex(domain: GuestDomain, ref: number): number {
  const { memory } = domain.state
  const nr = DOMAIN.nrGrantFrames.load(memory, 0)
  if (!(ref >= 0 && ref < nr * ENTRIES_PER_FRAME)) return -1
  const gmfn = DOMAIN.grantFrames.load(memory, 0, Math.floor(ref / ENTRIES_PER_FRAME))
  return (domain.memory.frameOffset(gmfn) + (ref % ENTRIES_PER_FRAME) * sizeof(grant_entry_v1)) >>> 2
}

/**
 * Marks an entry in use, against a guest that changes it at the same moment: its flags and domid are one word, and are
 * replaced only if they are still what was checked.
 * @param by who wants access
 * @returns GNTST_*
 */
export function pinEntry(domain: GuestDomain, ref: number, by: number, readonly: boolean): number {
  const index = entryIndex(domain, ref)
  if (index < 0) return GNTST_bad_gntref
  const { words } = domain.memory
  const inUse = readonly ? GTF_reading : GTF_reading | GTF_writing
  for (let tries = 0; tries < TRIES; tries++) {
    const seen = Atomics.load(words, index)
    if ((seen & GTF_type_mask) !== GTF_permit_access || seen >>> 16 !== by) return GNTST_general_error
    if (!readonly && seen & GTF_readonly) return GNTST_general_error
    if (Atomics.compareExchange(words, index, seen, seen | inUse) === seen) return GNTST_okay
  }
  return GNTST_eagain
}

/** Whether an entry is granted to `by` at all, at this moment. GNTST_* */
export function checkEntry(domain: GuestDomain, ref: number, by: number): number {
  const index = entryIndex(domain, ref)
  if (index < 0) return GNTST_bad_gntref
  const seen = Atomics.load(domain.memory.words, index)
  return (seen & GTF_type_mask) === GTF_permit_access && seen >>> 16 === by ? GNTST_okay : GNTST_general_error
}

/** Frame of an entry, as an unsigned number. To be read after the entry is pinned: from then on it is fixed. */
export function entryFrame(domain: GuestDomain, ref: number): number {
  return Atomics.load(domain.memory.words, entryIndex(domain, ref) + 1) >>> 0
}

/** Takes back what {@link pinEntry} set: the guest may end the access from then on. */
export function unpinEntry(domain: GuestDomain, ref: number, flags: number): void {
  Atomics.and(domain.memory.words, entryIndex(domain, ref), ~flags)
}

/** Exchanges two entries that nobody uses. */
export function swapEntries(domain: GuestDomain, a: number, b: number): void {
  const { words } = domain.memory
  for (let word = 0; word < 2; word++) {
    const before = Atomics.load(words, a + word)
    Atomics.store(words, a + word, Atomics.exchange(words, b + word, before))
  }
}

/** Fills an entry as the guest would: frame, then flags with domid. */
export function writeEntry(domain: GuestDomain, ref: number, by: number, gmfn: number, flags: number): boolean {
  const index = entryIndex(domain, ref)
  if (index < 0) return false
  Atomics.store(domain.memory.words, index + 1, gmfn)
  Atomics.store(domain.memory.words, index, flags | (by << 16))
  return true
}
