/**
 * The decompressors of kernels (gzip, xz, lz4, zstd), on damaged data whose checksums are mostly set right again, so that
 * damage reaches what lies behind them. Each answers with at most the bytes it may, or an UnpackError.
 */
import { readFileSync } from 'node:fs'
import { crc32, gzipSync, zstdCompressSync } from 'node:zlib'
import { gunzip } from '../../../libs/core/src/builder/unpack/gzip.ts'
import { unlz4 } from '../../../libs/core/src/builder/unpack/lz4.ts'
import { unzstd } from '../../../libs/core/src/builder/unpack/node-zlib.ts'
import { UnpackError } from '../../../libs/core/src/builder/unpack/unpack-error.ts'
import { unxz } from '../../../libs/core/src/builder/unpack/xz.ts'
import { lz4Store, xzStore } from '../../../libs/core/test/builder/synthetic-kernel.ts'
import type { Random } from '../random.ts'
import { finding, type Judge, type Target } from '../target.ts'
import { applyEdits, EDIT, type Region, randomEdits, readDamage } from './edits.ts'

export type Unpack = (packed: Uint8Array, maxBytes: number) => Uint8Array

/** Bytes that may come out: less than a bomb of a few bytes gives, more than any sample has. */
const MAX_BYTES = 64 * 1024
const XZ_HEADER = 12

interface Seed {
  readonly what: string
  readonly unpack: Unpack
  readonly file: Buffer
  readonly regions: readonly Region[]
  readonly mend?: (file: Buffer) => void
}

function fixture(name: string): Buffer {
  return Buffer.from(readFileSync(new URL(`../../../libs/core/test/builder/fixtures/${name}`, import.meta.url)))
}

/** Text with repetitions near and far, and some that are none. */
function sample(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = at % 97 < 60 ? at % 13 : (at * at) >> 7
  return bytes
}

const ends = (file: Buffer, head: number, tail: number): Region[] => [
  { at: 0, length: file.length },
  { at: 0, length: head },
  { at: Math.max(0, file.length - tail), length: tail },
]

function seeds(unpackXz: Unpack): readonly Seed[] {
  const small = sample(700)
  const bomb = Buffer.alloc(1 << 18)
  // The fixtures take long to unpack: what is small comes as often again.
  const stored = [0, 1, 2].map((n) => Buffer.from(xzStore(small.subarray(n * 200))))
  const xz = [fixture('kernel.xz'), fixture('blocks-crc64.xz'), fixture('fast-none.xz'), ...stored]
  const xzSeeds = xz.map((file) => ({
    what: 'xz',
    unpack: unpackXz,
    file,
    regions: [...ends(file, 64, 64), { at: 12, length: 40 }],
    mend: mendXz,
  }))
  const lz4 = [fixture('kernel.lz4'), ...stored.map((_, n) => Buffer.from(lz4Store(small.subarray(n * 200))))]
  const gzip = [gzipSync(small), gzipSync(bomb)]
  const zstd = [zstdCompressSync(small), zstdCompressSync(bomb)]
  return [
    ...xzSeeds,
    ...lz4.map((file) => ({ what: 'lz4', unpack: unlz4, file, regions: ends(file, 64, 16) })),
    ...gzip.map((file) => ({ what: 'gzip', unpack: gunzip, file, regions: ends(file, 24, 8) })),
    ...zstd.map((file) => ({ what: 'zstd', unpack: unzstd, file, regions: ends(file, 24, 8) })),
  ]
}

/** Sets the checksums of a .xz file right, of what can still be found of it. */
function mendXz(file: Buffer): void {
  const put = (from: number, to: number) => {
    if (from >= 0 && to >= from && to + 4 <= file.length) file.writeUInt32LE(crc32(file.subarray(from, to)), to)
  }
  put(6, 8)
  const block = (file[XZ_HEADER]! + 1) * 4
  put(XZ_HEADER, XZ_HEADER + block - 4)
  const end = file.length - XZ_HEADER
  const indexBytes = (file.readUInt32LE(end + 4) + 1) * 4
  put(end - indexBytes, end - 4)
  file.writeUInt32LE(crc32(file.subarray(end + 4, end + 10)), end)
}

class UnpackJudge implements Judge {
  readonly #seeds: readonly Seed[]

  constructor(unpackXz: Unpack) {
    this.#seeds = seeds(unpackXz)
  }

  make(random: Random): Uint8Array {
    return randomEdits(random)
  }

  judge(bytes: Uint8Array): number {
    const { file: index, cut, mends } = readDamage(bytes, this.#seeds.length)
    const { what, unpack, file, regions, mend } = this.#seeds[index]!
    const before = mend && Buffer.from(file)
    const undo = applyEdits(bytes, file, regions)
    try {
      if (mends) mend?.(file)
      this.#unpack(what, unpack, file.subarray(0, Math.max(0, file.length - cut)))
    } finally {
      if (before === undefined) undo()
      else file.set(before)
    }
    return 1
  }

  #unpack(what: string, unpack: Unpack, packed: Uint8Array): void {
    try {
      const { length } = unpack(packed, MAX_BYTES)
      if (length > MAX_BYTES) finding(`${what}: ${length} bytes came out, ${MAX_BYTES} may`)
    } catch (error) {
      if (!(error instanceof UnpackError)) throw error
      if (!/^[ -~]+$/.test(error.message)) finding(`${what}: a message that is not one plain line`)
    }
  }
}

/** @param unpackXz what is judged as xz; a test gives a wrong one */
export function unpackTarget(unpackXz: Unpack = unxz): Target {
  return {
    name: 'unpack',
    input: 'one packed file',
    stride: EDIT,
    life: 100_000,
    open: () => new UnpackJudge(unpackXz),
  }
}
