import type { StorageCase } from './storage-driver.ts'
import { refused } from './storage-refusals.ts'
import { check } from './suite-case.ts'

const MIB = 1 << 20
/** How long a disk may take to close, or to notice its size, in ms. */
const PATIENCE = 10_000

/** From open to close. */
export const storageLifeCases: readonly StorageCase[] = [
  {
    name: 'one disk has one identity, whatever it is called',
    size: MIB,
    async run(bench, subject) {
      const { target, alias } = bench.fixture
      const identities: string[] = []
      for (const name of [target, target, alias ?? target]) {
        const disk = await bench.open({ target: name, readonly: true })
        identities.push(disk.identity)
        await bench.close(disk)
      }
      check(new Set(identities).size === 1, `its identities are ${identities.join(' and ')}`)
      const other = await subject.make(MIB)
      try {
        const disk = await bench.open({ target: other.target, readonly: true })
        check(disk.identity !== identities[0], 'another disk has the same identity')
        await bench.close(disk)
      } finally {
        await other.remove()
      }
    },
  },
  {
    name: 'close settles what is under way, and lets nothing begin',
    size: 4 * MIB,
    async run(bench) {
      const disk = await bench.open()
      const bytes = new Uint8Array(new SharedArrayBuffer(64 << 10))
      const under = Array.from({ length: 64 }, (_, n) =>
        n % 8 === 7 ? disk.flush() : disk.write(n * (64 << 10), [bytes]),
      )
      const settled = Promise.allSettled(under)
      await within(bench.close(disk), 'close')
      await within(settled, 'what was under way')
      for (const work of [disk.read(0, [bytes]), disk.write(0, [bytes]), disk.flush()]) {
        await refused('DISK_CLOSED', work, bench.fixture.target)
      }
      await disk.close()
    },
  },
  {
    name: 'a disk that grows says so, and the new room can be used',
    size: 2 * MIB,
    async run(bench) {
      const { grow } = bench.fixture
      if (grow === undefined) return
      const disk = await bench.open()
      check(disk.onResize !== undefined, 'it has no onResize')
      const noticed = Promise.withResolvers<void>()
      const end = disk.onResize?.(() => noticed.resolve())
      await grow(4 * MIB)
      await within(noticed.promise, 'notice')
      end?.()
      check(disk.size === 4 * MIB, `size is ${disk.size}, not ${4 * MIB}`)
      const bytes = new Uint8Array(8192).fill(7)
      await disk.write(disk.size - 8192, [bytes])
      await disk.read(disk.size - 8192, [bytes.fill(0)])
      check(
        bytes.every((byte) => byte === 7),
        'the new room does not hold what was written',
      )
    },
  },
]

async function within(work: Promise<unknown>, what: string): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`${what} takes longer than ${PATIENCE / 1000} s`)), PATIENCE)
  try {
    await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
