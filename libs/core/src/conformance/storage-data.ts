import type { Disk } from '../plugin/storage-driver.ts'
import type { StorageCase } from './storage-driver.ts'
import { check } from './suite-case.ts'
import { seeded } from './workload.ts'

const MIB = 1 << 20
/** More buffers than a host takes in one call. */
const MANY_PIECES = 2500

/** What is written is what is read. */
export const storageDataCases: readonly StorageCase[] = [
  {
    name: 'a new disk reads as zeros',
    size: 2 * MIB,
    async run(bench) {
      const disk = await bench.open()
      check(disk.size === 2 * MIB, `size is ${disk.size}, not ${2 * MIB}`)
      check(disk.sectorSize === 512 || disk.sectorSize === 4096, `sectorSize is ${disk.sectorSize}`)
      check(disk.physicalSectorSize >= disk.sectorSize, 'physicalSectorSize is below sectorSize')
      const bytes = shared(disk.size).fill(0xff)
      await disk.read(0, [bytes])
      check(
        bytes.every((byte) => byte === 0),
        'a byte of it is not 0',
      )
    },
  },
  {
    name: 'reads back what was written, at all sizes and places',
    size: 4 * MIB,
    async run(bench) {
      const disk = await bench.open()
      const model = new Uint8Array(disk.size)
      const random = seeded(1)
      for (let round = 0; round < 300; round++) {
        const { offset, length } = place(disk, random, round % 7 === 0 ? MIB : 64 << 10)
        if (random() < 0.5) {
          const bytes = filled(length, random)
          model.set(bytes, offset)
          await disk.write(offset, pieces(bytes, random))
        } else await compare(disk, model, offset, length, random)
      }
      await compare(disk, model, 0, disk.size, random)
    },
  },
  {
    name: `takes a request in ${MANY_PIECES} pieces`,
    size: 2 * MIB,
    async run(bench) {
      const disk = await bench.open()
      const random = seeded(2)
      const piece = 512
      const length = Math.ceil((MANY_PIECES * piece) / disk.sectorSize) * disk.sectorSize
      const bytes = filled(length, random)
      const cut = (whole: Uint8Array): Uint8Array[] =>
        Array.from({ length: length / piece }, (_, n) => whole.subarray(n * piece, (n + 1) * piece))
      await disk.write(disk.sectorSize, cut(bytes))
      const back = shared(length)
      await disk.read(disk.sectorSize, cut(back))
      check(same(back, bytes), 'what was read differs from what was written')
    },
  },
  {
    name: 'requests run side by side',
    size: 8 * MIB,
    async run(bench) {
      const disk = await bench.open()
      const random = seeded(3)
      const part = disk.size / 64
      const bytes = Array.from({ length: 64 }, () => filled(part, random))
      await Promise.all(bytes.map((each, n) => disk.write(n * part, pieces(each, random))))
      // Each is read while its neighbour is written anew.
      const anew = bytes.map((each, n) => (n % 2 === 0 ? each : filled(part, random)))
      const back = bytes.map(() => shared(part))
      await Promise.all(
        anew.map((each, n) =>
          n % 2 === 0 ? disk.read(n * part, [back[n] as Uint8Array]) : disk.write(n * part, [each]),
        ),
      )
      await Promise.all(back.map((each, n) => (n % 2 === 0 ? undefined : disk.read(n * part, [each]))))
      for (const [n, each] of back.entries()) check(same(each, anew[n] as Uint8Array), `part ${n} differs`)
    },
  },
  {
    name: 'what was flushed is there when it is opened again',
    size: 2 * MIB,
    async run(bench) {
      const random = seeded(4)
      const disk = await bench.open()
      const bytes = filled(disk.size, random)
      await disk.write(0, [bytes])
      await Promise.all([disk.flush(), disk.flush()])
      await bench.close(disk)
      const again = await bench.open({ readonly: true })
      await compare(again, bytes, 0, again.size, random)
    },
  },
  {
    name: 'what is discarded spares its neighbours',
    size: 4 * MIB,
    async run(bench) {
      const disk = await bench.open()
      const { discard } = disk
      if (discard === undefined) return
      check(discard.granularity >= disk.sectorSize, 'the granularity is below a sector')
      const random = seeded(5)
      const bytes = filled(disk.size, random)
      await disk.write(0, [bytes])
      for (let round = 0; round < 20; round++) {
        const { offset, length } = place(disk, random, 256 << 10)
        await disk.discard?.discard(offset, length)
        await disk.read(offset, [bytes.subarray(offset, offset + length)])
        await compare(disk, bytes, 0, disk.size, random)
      }
    },
  },
]

/** Memory as a guest's: shared. */
function shared(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length))
}

function filled(length: number, random: () => number): Uint8Array {
  const bytes = shared(length)
  const words = new Uint32Array(bytes.buffer)
  for (let at = 0; at < words.length; at++) words[at] = random() * 2 ** 32
  return bytes
}

/** Some sectors of the disk. */
function place({ size, sectorSize }: Disk, random: () => number, most: number): { offset: number; length: number } {
  const length = sectorSize * (1 + Math.floor((random() * most) / sectorSize))
  return { offset: sectorSize * Math.floor((random() * (size - length)) / sectorSize), length }
}

/** As a guest's requests come: parts of pages, of sectors of 512 bytes, now and then a long one. */
function pieces(bytes: Uint8Array, random: () => number): Uint8Array[] {
  const all: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = 512 * (1 + Math.floor(random() * (random() < 0.1 ? 32 : 8)))
    all.push(bytes.subarray(at, at + length))
    at += length
  }
  return all
}

async function compare(
  disk: Disk,
  model: Uint8Array,
  offset: number,
  length: number,
  random: () => number,
): Promise<void> {
  const back = shared(length).fill(0xa5)
  await disk.read(offset, pieces(back, random))
  check(same(back, model.subarray(offset, offset + length)), `bytes ${offset} + ${length} differ from what was written`)
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
