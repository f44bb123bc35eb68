import { fold, read16, sum } from './checksum.ts'

export const ETHERTYPE_IPV4 = 0x0800
export const ETHERTYPE_IPV6 = 0x86dd
const ETHERTYPE_VLAN = 0x8100
const ETHERTYPE_SERVICE_VLAN = 0x88a8
export const PROTOCOL_TCP = 6
export const PROTOCOL_UDP = 17
const TCP_HEADER = 20
const UDP_HEADER = 8
const TCP_CHECKSUM = 16
const UDP_CHECKSUM = 6
const TAGS_MAX = 2
/** Extension headers that a packet with a whole TCP or UDP header may have: hop-by-hop, routing, destination options. */
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 60])

/** Where the headers of a packet are: offsets in its frame. */
export class Headers {
  version: 4 | 6 = 4
  /** Of the IP header. */
  ip = 0
  protocol: typeof PROTOCOL_TCP | typeof PROTOCOL_UDP = PROTOCOL_TCP
  /** Of the TCP or UDP header. */
  transport = 0
  /** Of the first byte behind it. */
  payload = 0
  /** Of the first byte behind the IP packet: a frame may be padded. */
  end = 0
  /** Of the checksum in the TCP or UDP header. */
  checksum = 0

  /**
   * Finds the headers of a TCP or UDP packet.
   * @returns false if it is no such packet, only a fragment of one, or not well made
   */
  find(frame: Uint8Array): boolean {
    let at = 12
    let type = frame.length >= 14 ? read16(frame, at) : 0
    for (let tags = 0; type === ETHERTYPE_VLAN || type === ETHERTYPE_SERVICE_VLAN; tags++) {
      at += 4
      if (tags === TAGS_MAX || at + 2 > frame.length) return false
      type = read16(frame, at)
    }
    this.ip = at + 2
    if (type === ETHERTYPE_IPV4) return this.#findV4(frame)
    return type === ETHERTYPE_IPV6 && this.#findV6(frame)
  }

  #findV4(frame: Uint8Array): boolean {
    const { ip } = this
    if (ip + 20 > frame.length) return false
    const first = frame[ip] as number
    const header = (first & 15) * 4
    this.version = 4
    this.end = ip + read16(frame, ip + 2)
    // A fragment: an offset, or more to come.
    if (first >> 4 !== 4 || header < 20 || (read16(frame, ip + 6) & 0x3fff) !== 0) return false
    return this.#findTransport(frame, frame[ip + 9] as number, ip + header)
  }

  #findV6(frame: Uint8Array): boolean {
    const { ip } = this
    let at = ip + 40
    if (at > frame.length || (frame[ip] as number) >> 4 !== 6) return false
    this.version = 6
    this.end = at + read16(frame, ip + 4)
    let next = frame[ip + 6] as number
    while (EXTENSIONS.has(next)) {
      if (at + 8 > this.end || at + 8 > frame.length) return false
      next = frame[at] as number
      at += ((frame[at + 1] as number) + 1) * 8
    }
    return this.#findTransport(frame, next, at)
  }

  #findTransport(frame: Uint8Array, protocol: number, at: number): boolean {
    this.transport = at
    if (this.end > frame.length) return false
    if (protocol === PROTOCOL_UDP) {
      this.protocol = PROTOCOL_UDP
      this.checksum = at + UDP_CHECKSUM
      this.payload = at + UDP_HEADER
      return this.payload <= this.end
    }
    if (protocol !== PROTOCOL_TCP || at + TCP_HEADER > this.end) return false
    const header = ((frame[at + 12] as number) >> 4) * 4
    this.protocol = PROTOCOL_TCP
    this.checksum = at + TCP_CHECKSUM
    this.payload = at + header
    return header >= TCP_HEADER && this.payload <= this.end
  }

  /** The sum of the pseudo header, for a packet whose TCP or UDP part ends at `end`. */
  pseudoSum(frame: Uint8Array, end: number = this.end): number {
    const { ip, version, protocol, transport } = this
    const [from, to] = version === 4 ? [ip + 12, ip + 20] : [ip + 8, ip + 40]
    return fold(sum(frame, from, to) + protocol + (end - transport))
  }
}
