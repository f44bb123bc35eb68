/** Packets for tests, and the plainest ways to sum and to take them apart. */
import { randomBytes } from 'node:crypto'

/** RFC 1071, as it reads. */
export function plainSum(bytes: Uint8Array): number {
  let total = 0
  for (let at = 0; at < bytes.length; at += 2) total += ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0)
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16)
  return total
}

export interface PacketShape {
  readonly version: 4 | 6
  readonly protocol: 'tcp' | 'udp'
  readonly payload: Uint8Array
  readonly tags?: number
  readonly flags?: number
  /** Words of IPv4 and TCP options. */
  readonly options?: number
  /** Whether an IPv6 packet has a header of destination options. */
  readonly extension?: boolean
  readonly id?: number
  readonly sequence?: number
}

/** An Ethernet frame with random addresses, ports and options; the checksum field holds the pseudo header's sum. */
export function packet(shape: PacketShape): Uint8Array {
  const { version, protocol, payload, tags = 0, options = 0, extension = false } = shape
  const ethernet = [randomBytes(12), ...Array.from({ length: tags }, () => Buffer.from([0x81, 0, 0, 7]))]
  ethernet.push(Buffer.from(version === 4 ? [8, 0] : [0x86, 0xdd]))
  const transport = protocol === 'tcp' ? tcpHeader(shape) : Buffer.concat([randomBytes(4), Buffer.alloc(4)])
  const length = transport.length + payload.length
  if (protocol === 'udp') transport.writeUInt16BE(length, 4)
  const number = protocol === 'tcp' ? 6 : 17
  const addresses = randomBytes(version === 4 ? 8 : 32)
  const pseudo = Buffer.concat([addresses, Buffer.from([0, number, length >> 8, length & 255])])
  transport.writeUInt16BE(plainSum(pseudo), protocol === 'tcp' ? 16 : 6)
  let ip: Buffer
  if (version === 4) {
    ip = Buffer.concat([Buffer.alloc(12), addresses, randomBytes(options * 4)])
    ip.set([0x45 + options, 0])
    ip.writeUInt16BE(ip.length + length, 2)
    ip.writeUInt16BE(shape.id ?? 1, 4)
    ip.set([0x40, 0, 64, number], 6)
    ip.writeUInt16BE(~plainSum(ip) & 0xffff, 10)
  } else {
    const more = extension ? Buffer.from([number, 0, 1, 4, 0, 0, 0, 0]) : Buffer.alloc(0)
    ip = Buffer.concat([Buffer.from([0x60, 0, 0, 0, 0, 0, extension ? 60 : number, 64]), addresses, more])
    ip.writeUInt16BE(more.length + length, 4)
  }
  return Buffer.concat([...ethernet, ip, transport, payload])
}

function tcpHeader({ flags = 0x10, options = 0, sequence = 1 }: PacketShape): Buffer {
  const header = Buffer.concat([randomBytes(20), randomBytes(options * 4)])
  header.writeUInt32BE(sequence, 4)
  header.set([(5 + options) << 4, flags], 12)
  return header
}

/** What a receiver sees of a packet made by {@link packet} with the same shape, checksums looked at. */
export function readPacket(frame: Uint8Array, { version, protocol, tags = 0, options = 0, extension }: PacketShape) {
  const bytes = Buffer.from(frame)
  const ip = 14 + tags * 4
  const header = version === 4 ? 20 + options * 4 : extension ? 48 : 40
  const length = version === 4 ? bytes.readUInt16BE(ip + 2) : 40 + bytes.readUInt16BE(ip + 4)
  const transport = bytes.subarray(ip + header, ip + length)
  const addresses = version === 4 ? bytes.subarray(ip + 12, ip + 20) : bytes.subarray(ip + 8, ip + 40)
  const number = protocol === 'tcp' ? 6 : 17
  const pseudo = Buffer.concat([addresses, Buffer.from([0, number, transport.length >> 8, transport.length & 255])])
  return {
    whole: ip + length === bytes.length,
    headerGood: version === 6 || plainSum(bytes.subarray(ip, ip + header)) === 0xffff,
    checksumGood: plainSum(Buffer.concat([pseudo, transport])) === 0xffff,
    id: version === 4 ? bytes.readUInt16BE(ip + 4) : 0,
    sequence: protocol === 'tcp' ? transport.readUInt32BE(4) : 0,
    flags: protocol === 'tcp' ? transport[13] : 0,
    payload: transport.subarray(protocol === 'tcp' ? 20 + options * 4 : 8),
  }
}
