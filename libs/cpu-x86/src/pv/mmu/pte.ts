/**
 * Page table entries as two 32-bit halves, since BigInts would take most of the time of an update. Low half: flags and
 * bits 12 to 31 of the frame's address; high half: bits 32 to 51 of it, AVAIL_HIGH (52 to 62) and NX (63).
 */
export const PTE_P = 0x1
export const PTE_RW = 0x2
export const PTE_US = 0x4
export const PTE_A = 0x20
export const PTE_D = 0x40

/** PWT, PCD and PAT of an L1 entry: other memory types than write-back are for domains with devices. */
export const L1_DISALLOWED = 0x98
/** PWT, PCD, PSE and G of the entries above: a domU has no superpages. */
const TABLE_DISALLOWED = 0x198

/** Address bits 32 to 51: no domain has frames that far, its memory being 4 GiB at most. */
const ADDRESS_HIGH = 0xfffff

/** Entries of the tables of every level. */
export const TABLE_ENTRIES = 512
/** L4 slots of the hypervisor: skipped when a table is validated, never the guest's to set. */
export const FIRST_XEN_SLOT = 256
export const LAST_XEN_SLOT = 271

/** What no frame has for a number. */
export const NO_FRAME = -1

/** Frame an entry, or a machine address, points at; {@link NO_FRAME} if it lies above 4 GiB. */
export function frameOf(lo: number, hi: number): number {
  return (hi & ADDRESS_HIGH) === 0 ? lo >>> 12 : NO_FRAME
}

/** A frame number given as u64; {@link NO_FRAME} if it cannot be one. */
export function frameNumber(lo: number, hi: number): number {
  return hi === 0 && lo >>> 20 === 0 ? lo >>> 0 : NO_FRAME
}

/** Whether a present entry of a table of `level` has flags it may not have. */
export function hasBadFlags(level: number, lo: number): boolean {
  return (lo & (level === 1 ? L1_DISALLOWED : TABLE_DISALLOWED)) !== 0
}

export function isXenSlot(slot: number): boolean {
  return slot >= FIRST_XEN_SLOT && slot <= LAST_XEN_SLOT
}

/** Two entries reference the same: the same frame, both present, and both or neither writable. */
export function sameReference(lo: number, hi: number, otherLo: number, otherHi: number): boolean {
  return ((lo ^ otherLo) & (~0xfff | PTE_P | PTE_RW)) === 0 && ((hi ^ otherHi) & ADDRESS_HIGH) === 0
}
