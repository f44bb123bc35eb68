import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { unfilterX86 } from './bcj-x86.ts'
import { crc64 } from './crc64.ts'
import { unlzma2 } from './lzma2.ts'
import { ensure } from './unpack-error.ts'
import { readXzFrame, type XzBlock } from './xz-index.ts'

const FILTER_X86 = 0x04
const FILTER_LZMA2 = 0x21

interface BlockFilters {
  readonly headerBytes: number
  /** Start offset of the x86 filter; undefined when it is not used. */
  readonly x86Start: number | undefined
}

/**
 * Unpacks one .xz stream (xz-file-format.txt) that ends where `packed` ends: LZMA2, with or without the x86 filter, which is
 * what kernels use. Own code: the packages on npm are asynchronous wrappers of WebAssembly, or native; and the builder is
 * synchronous. The dictionary is the output itself, so there is no dictionary size to refuse.
 */
export function unxz(packed: Uint8Array, maxBytes: number): Uint8Array {
  const frame = readXzFrame(packed)
  let total = 0
  for (const block of frame.blocks) {
    total += block.unpackedBytes
    ensure(total <= maxBytes, `unpacks to more than ${maxBytes} bytes`)
  }
  const out = new Uint8Array(total)
  let to = 0
  for (const block of frame.blocks) {
    unpackBlock(packed.subarray(0, block.end), block, out.subarray(to, to + block.unpackedBytes), frame.check)
    to += block.unpackedBytes
  }
  return out
}

function unpackBlock(packed: Uint8Array, block: XzBlock, out: Uint8Array, check: number): void {
  const { headerBytes, x86Start } = readFilters(packed, block.start)
  const done = unlzma2(packed, block.start + headerBytes, out, 0)
  ensure(done.to === out.length, 'unpacks to less than its index says')
  if (x86Start !== undefined) unfilterX86(out, x86Start)
  const checkAt = done.at + (-(done.at - block.start) & 3)
  ensure(
    packed.subarray(done.at, checkAt).every((byte) => byte === 0),
    'has padding that is not zero',
  )
  const stored = packed.subarray(checkAt, block.end)
  ensure(Buffer.compare(stored, CHECKS[check](out)) === 0, 'does not match its checksum')
}

function readFilters(packed: Uint8Array, start: number): BlockFilters {
  ensure(start + 8 <= packed.length, 'ends within a block header')
  const headerBytes = (packed[start] + 1) * 4
  ensure(start + headerBytes <= packed.length, 'ends within a block header')
  const header = Buffer.from(packed.buffer, packed.byteOffset + start, headerBytes)
  ensure(header.readUInt32LE(headerBytes - 4) === crc32(header.subarray(0, -4)), 'has a damaged block header')
  const flags = header[1]
  ensure((flags & 0x3c) === 0, 'has block flags nobody knows')
  let at = 2
  // The sizes are in the index too, which is what we go by.
  for (const present of [0x40, 0x80]) if (flags & present) at = skipVli(header, at)
  let x86Start: number | undefined
  for (let left = (flags & 3) + 1; left > 0; left--) {
    const id = header[at]
    const propertyBytes = header[at + 1]
    ensure(at + 2 + propertyBytes <= headerBytes - 4, 'has filters beyond its block header')
    if (left === 1) ensure(id === FILTER_LZMA2 && propertyBytes === 1, 'is not packed with LZMA2')
    else {
      ensure(
        id === FILTER_X86 && x86Start === undefined,
        `uses filter 0x${id.toString(16)}, which is for no x86 kernel`,
      )
      ensure(propertyBytes === 0 || propertyBytes === 4, 'has an x86 filter with odd properties')
      x86Start = propertyBytes === 4 ? header.readUInt32LE(at + 2) : 0
    }
    at += 2 + propertyBytes
  }
  return { headerBytes, x86Start }
}

function skipVli(bytes: Uint8Array, at: number): number {
  let next = at
  while (next < bytes.length && bytes[next] & 0x80) next++
  return next + 1
}

/** Check id -> the bytes that must stand after the block. */
const CHECKS: Readonly<Record<number, (out: Uint8Array) => Uint8Array>> = {
  0: () => new Uint8Array(0),
  1: (out) => words(crc32(out)),
  4: (out) => {
    const { low, high } = crc64(out)
    return words(low, high)
  },
  10: (out) => createHash('sha256').update(out).digest(),
}

function words(...values: number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, i * 4)
  return bytes
}
