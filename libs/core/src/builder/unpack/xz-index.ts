import { crc32 } from 'node:zlib'
import { ensure } from './unpack-error.ts'

export const XZ_MAGIC: readonly number[] = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]
const HEADER_BYTES = 12
const FOOTER_BYTES = 12
const KNOWN_CHECKS: readonly number[] = [0, 1, 4, 10]

/** One block: bytes [start, end) of the file, its padding and its check included. */
export interface XzBlock {
  readonly start: number
  readonly end: number
  readonly unpackedBytes: number
}

/** What the header, index and footer of a .xz stream say. */
export interface XzFrame {
  /** Check id: 0 none, 1 CRC-32, 4 CRC-64, 10 SHA-256. */
  readonly check: number
  readonly blocks: readonly XzBlock[]
}

/** Reads a stream from both its ends, so that the whole size is known before anything is unpacked. */
export function readXzFrame(packed: Uint8Array): XzFrame {
  ensure(packed.length >= HEADER_BYTES + FOOTER_BYTES, 'ends within its header')
  const file = Buffer.from(packed.buffer, packed.byteOffset, packed.length)
  ensure(file.readUInt32LE(8) === crc32(file.subarray(6, 8)), 'has a damaged header')
  const check = file[7]
  ensure(file[6] === 0 && KNOWN_CHECKS.includes(check), `has the unknown stream flags ${file[6]}, ${check}`)
  const footer = file.subarray(-FOOTER_BYTES)
  ensure(footer.toString('latin1', 10) === 'YZ', 'is truncated: its footer is missing')
  ensure(footer.readUInt32LE(0) === crc32(footer.subarray(4, 10)), 'has a damaged footer')
  const indexEnd = packed.length - FOOTER_BYTES
  const indexStart = indexEnd - (footer.readUInt32LE(4) + 1) * 4
  ensure(indexStart >= HEADER_BYTES, 'has an index larger than itself')
  return { check, blocks: readIndex(file.subarray(indexStart, indexEnd), indexStart) }
}

function readIndex(index: Buffer, indexStart: number): XzBlock[] {
  const end = index.length - 4
  ensure(end >= 4 && index[0] === 0 && index.readUInt32LE(end) === crc32(index.subarray(0, end)), 'has a damaged index')
  let at = 1
  /** A multibyte integer: seven bits a byte, lowest first; here never above what a number holds exactly. */
  const vli = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      ensure(at < end && scale <= 2 ** 42, 'has a damaged index')
      const byte = index[at++]
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
  const blocks: XzBlock[] = []
  let start = HEADER_BYTES
  for (let count = vli(); count > 0; count--) {
    // The size in the index leaves out the padding, which stands before the check.
    const end = start + Math.ceil(vli() / 4) * 4
    blocks.push({ start, end, unpackedBytes: vli() })
    start = end
    ensure(start <= indexStart, 'has blocks larger than itself')
  }
  ensure(start === indexStart, 'has something between its blocks and its index')
  return blocks
}
