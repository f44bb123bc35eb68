import { CodedError } from '../errors.ts'
import { DiskError, type DiskErrorCode } from '../plugin/storage-driver.ts'
import type { StorageCase } from './storage-driver.ts'
import { check } from './suite-case.ts'

const MIB = 1 << 20

/** What cannot be done is refused, with a line that names the target. */
export const storageRefusalCases: readonly StorageCase[] = [
  {
    name: 'a target with nothing behind it is refused by name',
    size: MIB,
    async run(bench) {
      const { missing } = bench.fixture
      const error = await rejection(bench.open({ target: missing }))
      check(error instanceof CodedError, `it is refused with ${error}, which is no CodedError`)
      named(error as Error, missing)
    },
  },
  {
    name: 'a disk that was opened read-only is read and not written',
    size: MIB,
    async run(bench) {
      const disk = await bench.open({ readonly: true })
      check(disk.readonly, 'it does not say that it is read-only')
      const bytes = new Uint8Array(8192).fill(1)
      await refused('DISK_READONLY', disk.write(0, [bytes]), bench.fixture.target)
      if (disk.discard !== undefined)
        await refused('DISK_READONLY', disk.discard.discard(0, 8192), bench.fixture.target)
      await disk.read(0, [bytes])
      check(
        bytes.every((byte) => byte === 0),
        'it was written nevertheless',
      )
    },
  },
  {
    name: 'what lies beyond its end is refused, and nothing of it done',
    size: MIB,
    async run(bench) {
      const disk = await bench.open()
      const { size, sectorSize } = disk
      const bytes = new Uint8Array(2 * sectorSize).fill(1)
      for (const offset of [size - sectorSize, size, 2 ** 50]) {
        await refused('DISK_BOUNDS', disk.write(offset, [bytes]), bench.fixture.target)
        await refused('DISK_BOUNDS', disk.read(offset, [bytes]), bench.fixture.target)
        if (disk.discard !== undefined)
          await refused('DISK_BOUNDS', disk.discard.discard(offset, bytes.length), bench.fixture.target)
      }
      await disk.read(size - sectorSize, [bytes.subarray(0, sectorSize)])
      check(bytes[0] === 0, 'a part of a write beyond the end was done')
    },
  },
  {
    name: 'parts of sectors are refused',
    size: MIB,
    async run(bench) {
      const disk = await bench.open()
      const { sectorSize } = disk
      const { target } = bench.fixture
      await refused('DISK_BOUNDS', disk.read(sectorSize / 2, [new Uint8Array(sectorSize)]), target)
      await refused('DISK_BOUNDS', disk.write(0, [new Uint8Array(sectorSize / 2)]), target)
    },
  },
]

async function rejection(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error
  }
  throw new Error('it is not refused')
}

/** A DiskError of one line with the target in it. */
export async function refused(code: DiskErrorCode, work: Promise<unknown>, target: string): Promise<void> {
  const error = await rejection(work)
  check(error instanceof DiskError, `it is refused with ${error}, which is no DiskError`)
  check((error as DiskError).code === code, `it is refused with ${(error as DiskError).code}, not ${code}`)
  named(error as Error, target)
}

function named({ message }: Error, target: string): void {
  check(message.includes(target), `"${message}" does not name ${target}`)
  check(!message.includes('\n'), `"${message}" is more than a line`)
}
