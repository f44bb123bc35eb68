import { FRAME_MAX, type Frame, type Gso, type Offloads } from '../switch/frame.ts'
import { read16, read32, sum, write16, write32 } from './checksum.ts'
import { Headers, PROTOCOL_TCP, PROTOCOL_UDP } from './headers.ts'

const FIN_PSH = 0x09
const CWR = 0x80
/** As many as a packet of the longest has at the least that Linux's TCP sends, and more. */
export const SEGMENTS_MAX = 2048

/**
 * Does for a receiver what its {@link Offloads} do not admit: cuts TCP packets in segments and fills checksums in. The frames it
 * makes are lent until the next.
 */
export class Finisher {
  readonly #headers = new Headers()
  readonly #made = new Uint8Array(FRAME_MAX)

  /**
   * Gives `frame` to `emit` as it is, or finished, or in pieces.
   * @returns false if it says of itself what is not true, and nothing was given; else whether `emit` took every piece
   */
  finish(frame: Frame, offloads: Offloads, emit: (frame: Frame) => boolean): boolean {
    const { gso, checksum } = frame
    if (checksum !== 'partial' || admits(frame, offloads, this.#headers)) return emit(frame)
    if (!this.#headers.find(frame.bytes)) return false
    if (gso !== undefined && offloads.uncut !== true) return this.#segment(frame.bytes, gso, offloads, emit)
    const bytes = this.#made.subarray(0, frame.bytes.length)
    bytes.set(frame.bytes)
    fillChecksum(bytes, this.#headers)
    return emit({ bytes, checksum: 'valid', gso: undefined })
  }

  #segment(whole: Uint8Array, gso: Gso, offloads: Offloads, emit: (frame: Frame) => boolean): boolean {
    const headers = this.#headers
    const { version, protocol, transport, payload, end } = headers
    if (protocol !== PROTOCOL_TCP || gso.type !== (version === 4 ? 'tcpv4' : 'tcpv6')) return false
    if ((end - payload) / gso.size > SEGMENTS_MAX) return false
    const partial = version === 4 ? offloads.checksumV4 : offloads.checksumV6
    const made = this.#made
    made.set(whole.subarray(0, payload))
    const id = read16(whole, headers.ip + 4)
    const sequence = read32(whole, transport + 4)
    const flags = whole[transport + 13] as number
    let taken = true
    let count = 0
    let at = payload
    do {
      const length = Math.min(gso.size, end - at)
      const bytes = made.subarray(0, payload + length)
      bytes.set(whole.subarray(at, at + length), payload)
      const isLast = at + length === end
      setLength(bytes, headers, id + count)
      write32(bytes, transport + 4, (sequence + at - payload) >>> 0)
      bytes[transport + 13] = flags & ~((isLast ? 0 : FIN_PSH) | (count === 0 ? 0 : CWR))
      headers.end = bytes.length
      write16(bytes, headers.checksum, headers.pseudoSum(bytes))
      if (!partial) fillChecksum(bytes, headers)
      taken = emit({ bytes, checksum: partial ? 'partial' : 'valid', gso: undefined }) && taken
      at += length
      count++
    } while (at < end)
    return taken
  }
}

/** Whether a frame with work left undone is taken as it is. */
function admits({ bytes, gso }: Frame, offloads: Offloads, headers: Headers): boolean {
  if (gso !== undefined) return gso.type === 'tcpv4' ? offloads.gsoV4 : offloads.gsoV6
  if (offloads.checksumV4 === offloads.checksumV6) return offloads.checksumV4
  return headers.find(bytes) && (headers.version === 4 ? offloads.checksumV4 : offloads.checksumV6)
}

/** Adds the payload to the sum of the pseudo header that the checksum field has. */
export function fillChecksum(bytes: Uint8Array, headers: Headers): void {
  const { checksum, transport, end, protocol } = headers
  // The field itself has the pseudo header's sum, so that summing over it adds that.
  const filled = ~sum(bytes, transport, end) & 0xffff
  // A UDP checksum of zero means that there is none (RFC 768).
  write16(bytes, checksum, filled === 0 && protocol === PROTOCOL_UDP ? 0xffff : filled)
}

/** Of the IP packet, which ends with the frame; and what identifies it, with the header's checksum, where there are such. */
export function setLength(bytes: Uint8Array, { version, ip }: Headers, id: number): void {
  if (version === 6) {
    write16(bytes, ip + 4, bytes.length - ip - 40)
    return
  }
  write16(bytes, ip + 2, bytes.length - ip)
  write16(bytes, ip + 4, id & 0xffff)
  write16(bytes, ip + 10, 0)
  write16(bytes, ip + 10, ~sum(bytes, ip, ip + ((bytes[ip] as number) & 15) * 4) & 0xffff)
}
