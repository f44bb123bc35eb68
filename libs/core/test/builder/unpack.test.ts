/**
 * The .xz and .lz4 fixtures were made from `sampleCode()`, in a file s, with xz 5.4 and lz4 1.9:
 *   kernel.xz        xz -9 --check=crc32 --x86 --lzma2=preset=9      (as the kernel's xz_wrap.sh packs)
 *   blocks-crc64.xz  xz -6 --check=crc64 --block-list=12288,6144,0   (three blocks, the second not packed)
 *   start-sha256.xz  xz --check=sha256 --x86=start=4096 --lzma2=preset=6,lc=0,lp=2,pb=0
 *   fast-none.xz     xz --check=none --lzma2=preset=0,lc=1,lp=3,pb=4
 *   delta.xz         xz --check=crc32 --delta=dist=4 --lzma2         (a filter no kernel uses)
 *   kernel.lz4       lz4 -l -9
 */
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { gunzip } from '../../src/builder/unpack/gzip.ts'
import { unlz4 } from '../../src/builder/unpack/lz4.ts'
import { unlzma2 } from '../../src/builder/unpack/lzma2.ts'
import { UnpackError } from '../../src/builder/unpack/unpack-error.ts'
import { unxz } from '../../src/builder/unpack/xz.ts'
import { Prng } from './prng.ts'
import { sampleCode } from './sample-code.ts'
import { lz4Store, xzStore } from './synthetic-kernel.ts'

const MAX = 1 << 20
const sample = sampleCode()

function fixture(name: string): Uint8Array {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url))
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

describe('files made by the real packers', () => {
  test.each([
    ['kernel.xz', unxz],
    ['blocks-crc64.xz', unxz],
    ['start-sha256.xz', unxz],
    ['fast-none.xz', unxz],
    ['kernel.lz4', unlz4],
  ])('%s gives back the bytes it was made from', (name, unpack) => {
    expect(same(unpack(fixture(name), MAX), sample)).toBe(true)
  })

  test('gzip, with a name in its header and other bytes behind it', () => {
    const packed = gzipSync(sample)
    packed[3] = 8
    const named = Buffer.concat([
      packed.subarray(0, 10),
      Buffer.from('vmlinux\0'),
      packed.subarray(10),
      Buffer.from('tail'),
    ])
    expect(same(gunzip(named, MAX), sample)).toBe(true)
  })

  test('a filter that is for no x86 kernel is refused by its number', () => {
    expect(() => unxz(fixture('delta.xz'), MAX)).toThrow('uses filter 0x3, which is for no x86 kernel')
  })
})

describe('what the packers rarely write', () => {
  test('LZMA2 chunks that are not packed, the second without a reset', () => {
    const stream = Buffer.from([1, 0, 2, 97, 98, 99, 2, 0, 1, 100, 101, 0])
    const out = new Uint8Array(5)
    expect(unlzma2(stream, 0, out, 0)).toEqual({ at: stream.length, to: 5 })
    expect(Buffer.from(out).toString()).toBe('abcde')
  })

  test('LZMA2 that does not begin with a reset of the dictionary', () => {
    expect(() => unlzma2(Buffer.from([2, 0, 0, 97, 0, 0, 0]), 0, new Uint8Array(1), 0)).toThrow(UnpackError)
  })

  test('LZ4 of more than one block, with matches that overlap themselves', () => {
    const block = 8 * 1024 * 1024
    // One literal, then a match at distance 1 that fills the block but for the last five literals, which a block must have.
    const rest = block - 1 - 5 - 4 - 15
    const run = Buffer.alloc(Math.floor(rest / 255) + 1, 255)
    run[run.length - 1] = rest % 255
    const packed = Buffer.concat([Buffer.from([0x1f, 0x61, 1, 0]), run, Buffer.from([0x50, 97, 97, 97, 97, 97])])
    const length = Buffer.alloc(4)
    length.writeUInt32LE(packed.length)
    const frame = Buffer.concat([
      lz4Store(Buffer.alloc(0)).subarray(0, 4),
      length,
      packed,
      lz4Store(Buffer.from('bc')).subarray(4),
    ])
    const out = unlz4(frame, 2 * block)
    expect(out.length).toBe(block + 2)
    expect(same(out, Buffer.concat([Buffer.alloc(block, 97), Buffer.from('bc')]))).toBe(true)
  })

  test('the test kernels that are stored, not packed', () => {
    expect(same(unxz(xzStore(sample), MAX), sample)).toBe(true)
    expect(same(unlz4(lz4Store(sample), MAX), sample)).toBe(true)
  })
})

describe('damage', () => {
  test.each([
    ['kernel.xz', unxz],
    ['blocks-crc64.xz', unxz],
    ['start-sha256.xz', unxz],
  ])('no byte of %s can change unnoticed', (name, unpack) => {
    const packed = fixture(name)
    const prng = new Prng(7)
    for (let round = 0; round < 150; round++) {
      const damaged = Uint8Array.from(packed)
      damaged[prng.below(packed.length)] ^= 1 << prng.below(8)
      expect(() => unpack(damaged, MAX)).toThrow(UnpackError)
    }
  })

  test.each([
    ['kernel.xz', unxz],
    ['kernel.lz4', unlz4],
    ['fast-none.xz', unxz],
  ])('%s cut short or garbled ends in an UnpackError or in other bytes, never elsewhere', (name, unpack) => {
    const packed = fixture(name)
    const prng = new Prng(11)
    for (let round = 0; round < 200; round++) {
      const damaged = Uint8Array.from(packed.subarray(0, round % 2 === 0 ? prng.below(packed.length) : packed.length))
      for (let i = 0; i < 3; i++) damaged[6 + prng.below(Math.max(1, damaged.length - 6))] = prng.below(256)
      try {
        expect(unpack(damaged, MAX).length).toBeLessThanOrEqual(MAX)
      } catch (error) {
        if (!(error instanceof UnpackError)) throw error
      }
    }
  })

  test('a file that would unpack to more than it may is refused', () => {
    const limit = sample.length - 1
    expect(() => unxz(fixture('kernel.xz'), limit)).toThrow(`unpacks to more than ${limit} bytes`)
    expect(() => unlz4(fixture('kernel.lz4'), limit)).toThrow(`unpacks to more than ${limit} bytes`)
    expect(() => gunzip(gzipSync(sample), limit)).toThrow()
  })

  test('gzip with a wrong checksum or a wrong length', () => {
    const packed = gzipSync(sample)
    for (const fromEnd of [8, 4]) {
      const damaged = Uint8Array.from(packed)
      damaged[packed.length - fromEnd] ^= 1
      expect(() => gunzip(damaged, MAX)).toThrow(UnpackError)
    }
  })
})
