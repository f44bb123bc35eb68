import { read16 } from '../offload/checksum.ts'
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, PROTOCOL_TCP, PROTOCOL_UDP } from '../offload/headers.ts'

const ETHERNET = 14

/**
 * A number that is the same for all frames of a flow: by the addresses, and the ports of TCP and UDP where no packet of it can be a
 * fragment. 0 for what is no IP.
 */
export function flowHash(frame: Uint8Array): number {
  if (frame.length < ETHERNET + 20) return 0
  const type = read16(frame, 12)
  if (type === ETHERTYPE_IPV4) {
    const ports = ETHERNET + ((frame[ETHERNET] as number) & 15) * 4
    const isWhole = (read16(frame, ETHERNET + 6) & 0x3fff) === 0
    return spread(withPorts(frame, mix(frame, ETHERNET + 12, 8), frame[ETHERNET + 9], isWhole ? ports : frame.length))
  }
  if (type !== ETHERTYPE_IPV6 || frame.length < ETHERNET + 40) return 0
  return spread(withPorts(frame, mix(frame, ETHERNET + 8, 32), frame[ETHERNET + 6], ETHERNET + 40))
}

function withPorts(frame: Uint8Array, hash: number, protocol: number | undefined, at: number): number {
  const hasPorts = (protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP) && at + 4 <= frame.length
  return hasPorts ? mix(frame, at, 4, hash) : hash
}

/** FNV-1a over words of 16 bits. */
function mix(bytes: Uint8Array, from: number, length: number, hash = 0x811c_9dc5): number {
  let value = hash
  for (let at = from; at < from + length; at += 2) value = Math.imul(value ^ read16(bytes, at), 0x0100_0193)
  return value
}

/** The low bits of FNV depend on the low bits of its input only. */
function spread(hash: number): number {
  return (hash ^ (hash >>> 15)) >>> 0
}
