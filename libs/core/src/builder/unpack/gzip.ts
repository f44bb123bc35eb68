import { crc32 } from 'node:zlib'
import { inflateRaw } from './node-zlib.ts'
import { ensure } from './unpack-error.ts'

const DEFLATE = 8
const FHCRC = 2
const FEXTRA = 4
const FNAME = 8
const FCOMMENT = 16

/**
 * Unpacks the first member of a gzip file (RFC 1952). The header is read here and not by `gunzipSync`, because that one
 * refuses what may follow the member in a kernel image.
 */
export function gunzip(packed: Uint8Array, maxBytes: number): Uint8Array {
  const start = headerLength(packed)
  const { bytes, consumed } = inflateRaw(packed.subarray(start), maxBytes)
  const trailer = start + consumed
  ensure(trailer + 8 <= packed.length, 'ends before its checksum')
  const data = new DataView(packed.buffer, packed.byteOffset + trailer, 8)
  ensure(data.getUint32(0, true) === crc32(bytes), 'does not match its checksum')
  ensure(data.getUint32(4, true) === bytes.length, 'does not match its length')
  return bytes
}

function headerLength(packed: Uint8Array): number {
  ensure(packed.length >= 18, 'ends within its header')
  ensure(packed[2] === DEFLATE, 'has a method that is not deflate')
  const flags = packed[3]
  let at = 10
  if (flags & FEXTRA) at += 2 + packed[at] + packed[at + 1] * 256
  for (const text of [FNAME, FCOMMENT]) {
    if (!(flags & text)) continue
    const end = packed.indexOf(0, at)
    ensure(end >= 0, 'ends within its header')
    at = end + 1
  }
  if (flags & FHCRC) at += 2
  ensure(at <= packed.length, 'ends within its header')
  return at
}
