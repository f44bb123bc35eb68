/** struct virtio_net_hdr (virtio 1.x, section 5.1.6, without num_buffers), little-endian: what a TAP device has in front of each frame. */
import { sum, write16 } from '../offload/checksum.ts'
import { Headers, PROTOCOL_TCP } from '../offload/headers.ts'
import { ALL_OFFLOADS, type Frame, type Gso } from '../switch/frame.ts'
import type { StreamWire } from './stream-end.ts'

export const HEADER_BYTES = 10
const FLAGS = 0
const GSO_TYPE = 1
const HDR_LEN = 2
const GSO_SIZE = 4
const CSUM_START = 6
const CSUM_OFFSET = 8
const NEEDS_CSUM = 1
const DATA_VALID = 2
const GSO_NONE = 0
const GSO_TCPV4 = 1
const GSO_TCPV6 = 4
/** Explicit congestion notification: nothing that a receiver must heed. */
const GSO_ECN = 0x80

/** Frames with checksums and segments that the host's kernel finishes if it has to. */
export function virtioNetWire(): StreamWire {
  const header = Buffer.alloc(HEADER_BYTES)
  const headers = new Headers()
  return {
    offloads: ALL_OFFLOADS,
    header({ bytes, checksum, gso }) {
      header.fill(0)
      if (checksum === 'valid') header[FLAGS] = DATA_VALID
      if (checksum !== 'partial') return header
      if (!headers.find(bytes)) return undefined
      header[FLAGS] = NEEDS_CSUM
      header.writeUInt16LE(headers.transport, CSUM_START)
      header.writeUInt16LE(headers.checksum - headers.transport, CSUM_OFFSET)
      if (gso === undefined) return header
      header[GSO_TYPE] = gso.type === 'tcpv4' ? GSO_TCPV4 : GSO_TCPV6
      header.writeUInt16LE(headers.payload, HDR_LEN)
      header.writeUInt16LE(gso.size, GSO_SIZE)
      return header
    },
    frame(record) {
      if (record.length <= HEADER_BYTES) return undefined
      const bytes = record.subarray(HEADER_BYTES)
      const flags = record[FLAGS] as number
      const type = (record[GSO_TYPE] as number) & ~GSO_ECN
      if (!(flags & NEEDS_CSUM)) {
        if (type !== GSO_NONE) return undefined
        return { bytes, checksum: flags & DATA_VALID ? 'valid' : 'unknown', gso: undefined }
      }
      return partial(record, bytes, gsoOf(type, record.readUInt16LE(GSO_SIZE)), headers)
    },
  }
}

function gsoOf(type: number, size: number): Gso | undefined | 'unknown' {
  if (type === GSO_NONE) return undefined
  if (size === 0 || (type !== GSO_TCPV4 && type !== GSO_TCPV6)) return 'unknown'
  return { type: type === GSO_TCPV4 ? 'tcpv4' : 'tcpv6', size }
}

/** A frame whose checksum is to be filled in, by whoever can: that is where TCP and UDP have it, or else here. */
function partial(record: Buffer, bytes: Buffer, gso: Gso | undefined | 'unknown', headers: Headers): Frame | undefined {
  const start = record.readUInt16LE(CSUM_START)
  const at = start + record.readUInt16LE(CSUM_OFFSET)
  const isUsual = headers.find(bytes) && headers.transport === start && headers.checksum === at
  if (gso !== undefined) {
    const isWhole = gso !== 'unknown' && isUsual && headers.protocol === PROTOCOL_TCP
    return isWhole ? { bytes, checksum: 'partial', gso } : undefined
  }
  if (isUsual) return { bytes, checksum: 'partial', gso }
  if (at + 2 > bytes.length) return undefined
  write16(bytes, at, ~sum(bytes, start, bytes.length) & 0xffff)
  return { bytes, checksum: 'valid', gso }
}
