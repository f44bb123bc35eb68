/** What is said of kernels whose payload is damaged: in which way. */
import { crc32, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { parsePvKernel } from '../../src/builder/pv-image.ts'
import { unlzma2 } from '../../src/builder/unpack/lzma2.ts'
import { UnpackError } from '../../src/builder/unpack/unpack-error.ts'
import { RangeCoder } from './range-coder.ts'
import { CLOUD_LIKE, lz4Store, makeKernel, xzStore } from './synthetic-kernel.ts'

const elf = makeKernel(CLOUD_LIKE)

/** What it is said to do, or to have. */
function fault(file: Uint8Array): string {
  let message = 'no error'
  try {
    parsePvKernel(file, 'k')
  } catch (error) {
    message = (error as Error).message
  }
  return (
    /^kernel k: its \w+ data cannot be unpacked: it (.*); the file is damaged, install it again$/.exec(message)?.[1] ??
    message
  )
}

/** @param at negative from the end */
function withBytes(file: Uint8Array, at: number, ...bytes: number[]): Buffer {
  const changed = Buffer.from(file)
  changed.set(bytes, at < 0 ? file.length + at : at)
  return changed
}

const zipped = gzipSync(elf)

test.each([
  ['ends within its header', zipped.subarray(0, 12)],
  ['ends within its header', withBytes(zipped, 3, 8).subarray(0, 18).fill(1, 10)],
  ['has a method that is not deflate', withBytes(zipped, 2, 7)],
  ['ends before its checksum', zipped.subarray(0, -4)],
  ['does not match its checksum', withBytes(zipped, -8, (zipped.at(-8) as number) ^ 1)],
  ['does not match its length', withBytes(zipped, -4, (zipped.at(-4) as number) ^ 1)],
])('gzip: it %s', (said, file) => {
  expect(fault(file)).toBe(said)
})

const MAGIC = lz4Store(Buffer.alloc(0)).subarray(0, 4)
const lz4 = (...block: number[]): Buffer => Buffer.concat([MAGIC, Buffer.from([block.length, 0, 0, 0, ...block])])
/** One literal, and of a match 33,000 bytes of its length: more than a block may give. */
const long = Buffer.concat([Buffer.from([0x1f, 0x61, 1, 0]), Buffer.alloc(33_000, 255), Buffer.of(0)])

test.each([
  ['ends within a block length', Buffer.concat([MAGIC, Buffer.of(1, 0)])],
  ['has a block of 0 bytes', lz4()],
  ['ends within a block', lz4Store(elf).subarray(0, -1)],
  ['has a short block that is not its last', Buffer.concat([lz4Store(elf), lz4Store(elf).subarray(4)])],
  ['ends within a length', lz4(0xf0)],
  ['has literals outside its block', lz4(0x50, 1)],
  ['ends within a match', lz4(0x10, 1, 1)],
  ['has a match before its start', lz4(0x10, 1, 0, 0)],
  ['has a match before its start', lz4(0x10, 1, 2, 0)],
  ['has a match beyond its end', Buffer.concat([MAGIC, Buffer.of(0xed, 0x80, 0, 0), long])],
])('lz4: it %s', (said, file) => {
  expect(fault(file)).toBe(said)
})

describe('xz', () => {
  const text = Buffer.from('a text of 27 characters, ok')
  const packed = xzStore(text)
  const HEADER = 6
  const BLOCK = 12
  const BLOCK_BYTES = 8
  const CHUNK = BLOCK + BLOCK_BYTES + 4
  const FOOTER = packed.length - 12
  const INDEX = FOOTER - (packed.readUInt32LE(FOOTER + 4) + 1) * 4

  /** Changed, with the checksum of the part that it is in put right. */
  function summed(
    at: number,
    bytes: readonly number[],
    [from, length]: readonly [number, number],
    sumAt: number,
  ): Buffer {
    const changed = withBytes(packed, at, ...bytes)
    changed.writeUInt32LE(crc32(changed.subarray(from, from + length)), sumAt)
    return changed
  }
  const header = (at: number, ...bytes: number[]) => summed(HEADER + at, bytes, [HEADER, 2], HEADER + 2)
  const block = (at: number, ...bytes: number[]) => summed(BLOCK + at, bytes, [BLOCK, BLOCK_BYTES], BLOCK + BLOCK_BYTES)
  const index = (at: number, ...bytes: number[]) => summed(INDEX + at, bytes, [INDEX, FOOTER - INDEX - 4], FOOTER - 4)
  const footer = (at: number, ...bytes: number[]) => summed(FOOTER + at, bytes, [FOOTER + 4, 6], FOOTER)
  const flipped = (at: number) => withBytes(packed, at, (packed[at] as number) ^ 1)
  /** A chunk of one byte, and another of this kind. */
  const withSecond = (kind: number) => withBytes(packed, CHUNK + 1, 0, 0, 1, kind)
  const unpadded = packed[INDEX + 2] as number

  test.each([
    ['ends within its header', packed.subarray(0, 20)],
    ['has a damaged header', flipped(HEADER + 2)],
    ['has the unknown stream flags 0, 2', header(1, 2)],
    ['has the unknown stream flags 1, 1', header(0, 1)],
    ['is truncated: its footer is missing', packed.subarray(0, -1)],
    ['has a damaged footer', flipped(FOOTER)],
    ['has an index larger than itself', footer(6, 1)],
    ['has a damaged index', flipped(INDEX + 2)],
    ['has a damaged index', index(2, unpadded | 0x80)],
    ['has blocks larger than itself', index(2, unpadded + 4)],
    ['has something between its blocks and its index', index(2, unpadded - 4)],
    ['unpacks to less than its index says', index(3, text.length + 1)],
    ['unpacks to more than its index says', index(3, text.length - 1)],
    ['has a damaged block header', flipped(BLOCK + BLOCK_BYTES)],
    ['ends within a block header', withBytes(packed, BLOCK, 0xff)],
    ['has block flags nobody knows', block(1, 4)],
    ['is not packed with LZMA2', block(2, 0x22)],
    ['has an x86 filter with odd properties', block(1, 1, 4, 1)],
    ['has filters beyond its block header', block(3, 9)],
    ['does not begin with a reset of the dictionary', withBytes(packed, CHUNK, 2)],
    ['has a chunk of unknown kind 3', withSecond(3)],
    ['has a chunk before its LZMA properties', withSecond(0x80)],
    ['ends within a chunk', withBytes(packed, CHUNK + 1, 0xff)],
    ['does not match its checksum', flipped(CHUNK + 3)],
    ['has padding that is not zero', flipped(CHUNK + 3 + text.length + 1)],
  ])('it %s', (said, file) => {
    expect(fault(file)).toBe(said)
  })
})

/** With properties lc=3, lp=0, pb=2. */
const lzma = (unpacked: number, packed: readonly number[], properties: number = 0x5d): number[] => {
  const size = packed.length - 1
  return [0xe0, 0, unpacked - 1, size >> 8, size & 0xff, properties, ...packed]
}
const ones = (count: number): number[] => Array<number>(count).fill(1)
const zeros = (count: number): number[] => Array<number>(count).fill(0)
const literal = () => new RangeCoder().bits(0, ...zeros(8))
/** Of its shortest length: what follows is the distance. */
const MATCH = [1, 0, 0, 0, 0, 0] as const

test.each([
  ['ends between two chunks', []],
  ['ends within a chunk header', [1, 0, 0]],
  ['has LZMA properties out of range', lzma(1, zeros(5), 0xff)],
  ['has a chunk without a range coder start', lzma(1, ones(5))],
  ['has a chunk that ends in the wrong place', lzma(1, [...literal().bytes(), 0, 0])],
  ['has a match before its start', lzma(2, new RangeCoder().bits(...MATCH, ...zeros(6)).bytes())],
  [
    'has a match beyond its chunk',
    lzma(
      2,
      literal()
        .bits(...MATCH, ...zeros(6))
        .bytes(),
    ),
  ],
  [
    'has an end marker inside a chunk',
    lzma(
      2,
      new RangeCoder()
        .bits(...MATCH, ...ones(6))
        .direct(...ones(26))
        .bits(...ones(4))
        .bytes(),
    ),
  ],
])('LZMA2: it %s', (said, bytes) => {
  expect(() => unlzma2(Buffer.from(bytes), 0, new Uint8Array(9), 0)).toThrow(new UnpackError(said))
})

test('LZMA2: one literal is a chunk', () => {
  const out = new Uint8Array(9)
  expect(unlzma2(Buffer.from([...lzma(1, literal().bytes()), 0]), 0, out, 0).to).toBe(1)
})

test('zstd: it is damaged in the words of Node', () => {
  expect(fault(zstdCompressSync(elf).subarray(0, 30))).toMatch(/^is damaged \(.+\)$/)
})
