/**
 * `xen/io/ring.h`: the header of a shared ring. Indices run freely over 32 bits; an entry is at index modulo ring size.
 * C has no name for the header alone, so tests make it one:
 * @cprelude struct nothing {}; DEFINE_RING_TYPES(bare, struct nothing, struct nothing);
 */
import { type Struct, struct } from '../struct.ts'

const sringFields = {
  req_prod: 'u32',
  req_event: 'u32',
  rsp_prod: 'u32',
  rsp_event: 'u32',
  pvt: { union: { netif: { smartpoll_active: 'u8' }, tapif_user: { msg: 'u8' }, pvt_pad: ['u8', 4] } },
  __pad: ['u8', 44],
} as const
/**
 * The head of every ring page; entries follow it. A producer notifies if its new index crosses the other side's
 * `*_event`.
 * @c struct bare_sring
 */
export const sring: Struct<typeof sringFields> = struct('sring', sringFields)
/**
 * Bytes from the start of the page to the first entry.
 * @c offsetof(struct bare_sring, ring)
 */
export const SRING_ENTRIES = 64
