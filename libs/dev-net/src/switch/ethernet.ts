/** Where things are in an Ethernet frame (IEEE 802.3 and 802.1Q), and the numbers in it that a switch looks at. */

export const MAC_BYTES = 6
/** Offsets in a frame. */
export const DESTINATION = 0
export const SOURCE = 6
export const TYPE = 12
export const HEADER_BYTES = 14
/** Of an 802.1Q tag: type and control word. */
export const TAG_BYTES = 4

export const TYPE_IPV4 = 0x0800
export const TYPE_ARP = 0x0806
export const TYPE_RARP = 0x8035
export const TYPE_VLAN = 0x8100
/** Bits of a tag's control word that name the VLAN. */
export const VID_MASK = 0xfff
/** Of the VLANs that may be named: 0 is no VLAN, and 4095 is reserved. */
export const VID_MAX = 4094

export function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

/** Whether the address at `at` is broadcast or multicast. */
export function isGroup(bytes: Uint8Array, at: number): boolean {
  return ((bytes[at] as number) & 1) !== 0
}

/** Whether the six bytes at `at` are those of `mac`. */
export function sameMac(bytes: Uint8Array, at: number, mac: Uint8Array): boolean {
  for (let i = 0; i < MAC_BYTES; i++) if (bytes[at + i] !== mac[i]) return false
  return true
}

/** Where the payload begins, and its type, behind one tag if there is any. */
export function payloadOf(bytes: Uint8Array): { readonly type: number; readonly at: number } {
  const type = word(bytes, TYPE)
  if (type !== TYPE_VLAN) return { type, at: HEADER_BYTES }
  return { type: word(bytes, TYPE + TAG_BYTES), at: HEADER_BYTES + TAG_BYTES }
}
