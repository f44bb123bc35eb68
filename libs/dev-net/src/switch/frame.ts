/** Ethernet frames as they go from port to port inside of the host: whole, and with work left undone that nobody may ever need. */

/** A TCP packet that is longer than the wire takes: to be cut in segments of `size` bytes of payload before it goes out there. */
export interface Gso {
  readonly type: 'tcpv4' | 'tcpv6'
  /** Bytes of TCP payload in each segment but the last; at least 1. */
  readonly size: number
}

/**
 * What the checksum field of TCP or UDP holds.
 * - `partial`: the sum of the pseudo header only, of its length too: the sum over the payload is to be added by who needs it
 * - `valid`: it was checked, or never left the host: who gets it need not check
 * - `unknown`: what the sender put there
 */
export type ChecksumState = 'unknown' | 'valid' | 'partial'

/**
 * One frame. `bytes` is the frame without FCS, with 802.1Q tags if it has any, as on the wire of the port where it is. It is lent: whoever
 * is given it copies what he keeps beyond the call, and does not write to it.
 */
export interface Frame {
  readonly bytes: Uint8Array
  readonly checksum: ChecksumState
  /** Only with `partial`. */
  readonly gso: Gso | undefined
}

/** What of undone work a receiver takes as it is. A frame that has other is finished for it before: `src/offload`. */
export interface Offloads {
  /** `partial` checksums of TCP and UDP over IPv4. */
  readonly checksumV4: boolean
  /** The same over IPv6. */
  readonly checksumV6: boolean
  readonly gsoV4: boolean
  readonly gsoV6: boolean
  /** TCP packets that are to be cut, as they are but for their checksum, which is filled in. */
  readonly uncut?: boolean
}

/** Takes finished frames only. */
export const NO_OFFLOADS: Offloads = { checksumV4: false, checksumV6: false, gsoV4: false, gsoV6: false }
export const ALL_OFFLOADS: Offloads = { checksumV4: true, checksumV6: true, gsoV4: true, gsoV6: true }

/** Bytes of the longest frame: an IP packet of 65,535 bytes behind an Ethernet header and two tags. */
export const FRAME_MAX = 65_535 + 22
