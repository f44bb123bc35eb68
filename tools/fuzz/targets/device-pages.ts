/** Which pages of a fuzzed guest its front ends grant, and by which references. */
import type { DeviceGuest } from './device-guest.ts'

/** PFNs of pages to read into and to write from. Those of rings lie before. */
export const DATA_FROM = 12
export const DATA_PAGES = 9
/** References: of rings, of pages that may be written, of the same read-only, of guarded pages read-only. */
export const RING_REF = 8
export const WRITABLE_REF = 32
export const READONLY_REF = 64
export const GUARDED_REF = 96
export const GUARDED_PFN = 21
export const GUARDED_PAGES = 3
export const REFS = 128

/** All but those of rings. */
export function grantPages(guest: DeviceGuest): void {
  for (let n = 0; n < DATA_PAGES; n++) {
    guest.grant(WRITABLE_REF + n, DATA_FROM + n, false)
    guest.grant(READONLY_REF + n, DATA_FROM + n, true)
  }
  for (let n = 0; n < GUARDED_PAGES; n++) guest.grant(GUARDED_REF + n, GUARDED_PFN + n, true)
}
