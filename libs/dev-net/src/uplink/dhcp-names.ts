/** What a guest is told of name servers by the DHCP server of a helper (RFC 2131, RFC 2132). */
import { Headers, PROTOCOL_UDP } from '../offload/headers.ts'
import { readIpv4 } from '../switch/ipv4-address.ts'

const [SERVER_PORT, CLIENT_PORT] = [67, 68]
/** In a message: its fixed part, then the cookie, then options. */
const COOKIE = 236
const OPTIONS = 240
const COOKIE_VALUE = 0x63825363
const [PAD, NAME_SERVERS, END] = [0, 6, 255]
const ADDRESS_BYTES = 4
const IP_PROTOCOL = 23

/**
 * Has an answer of a DHCP server name one name server, where it names any: passt of Debian 12 tells guests of the host's own, from which no answer
 * reaches them, as it gives all answers the address of `--dns-forward`.
 * @param frame is changed if it is such an answer, behind an IPv4 header without options
 */
export function nameServerInDhcp(frame: Uint8Array, server: number): void {
  const headers = new Headers()
  if (frame[IP_PROTOCOL] !== PROTOCOL_UDP || !headers.find(frame) || headers.version !== 4) return
  const view = new DataView(frame.buffer, frame.byteOffset, headers.end)
  const { transport, payload } = headers
  if (view.getUint16(transport) !== SERVER_PORT || view.getUint16(transport + 2) !== CLIENT_PORT) return
  if (payload + OPTIONS > headers.end || readIpv4(frame, payload + COOKIE) !== COOKIE_VALUE) return
  for (let at = payload + OPTIONS; at + 1 < headers.end && frame[at] !== END; ) {
    if (frame[at] === PAD) {
      at++
      continue
    }
    const end = at + 2 + (frame[at + 1] as number)
    if (frame[at] === NAME_SERVERS && end <= headers.end) {
      for (let one = at + 2; one + ADDRESS_BYTES <= end; one += ADDRESS_BYTES) view.setUint32(one, server)
      // None, which UDP over IPv4 may have (RFC 768).
      view.setUint16(headers.checksum, 0)
    }
    at = end
  }
}
