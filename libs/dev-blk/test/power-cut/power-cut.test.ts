import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Disk } from '@paravane/core'
import { storageSuite } from '@paravane/core/conformance'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileDriver } from '../../src/storage/file-driver.ts'
import { HostLocks } from '../../src/storage/host-locks.ts'
import { PowerCutDisk, seeded } from './power-cut-disk.ts'

const SECTORS = 64
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'power-cut-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const raw = fileDriver({ locks: new HostLocks() })
const open = async (path: string, seed: number, unit: 512 | 4096 = 512, cacheBytes?: number): Promise<PowerCutDisk> =>
  new PowerCutDisk(await raw.open({ target: path, readonly: false }), { seed, unit, cacheBytes })

function image(sectors: number = SECTORS): string {
  const path = join(folder, 'image')
  writeFileSync(path, '')
  truncateSync(path, sectors * 512)
  return path
}

const sectors = (count: number, value: number): Uint8Array => new Uint8Array(count * 512).fill(value)

/** What each sector of the image holds, all of whose bytes are alike. */
function states(path: string): number[] {
  const bytes = readFileSync(path)
  return Array.from({ length: bytes.length / 512 }, (_, n) => {
    const sector = bytes.subarray(n * 512, (n + 1) * 512)
    expect(sector.every((byte) => byte === sector[0])).toBe(true)
    return sector[0]!
  })
}

describe('with its power on it is a disk', () => {
  const make = async (size: number) => {
    const path = join(mkdtempSync(join(folder, 'suite-')), 'image')
    writeFileSync(path, '')
    truncateSync(path, size)
    const driver = {
      open: async (request: Parameters<typeof raw.open>[0]): Promise<Disk> =>
        new PowerCutDisk(await raw.open(request), { seed: 1, unit: 4096, cacheBytes: 1 << 20 }),
    }
    return { driver, target: path, missing: `${path}-none`, remove: async () => rmSync(path) }
  }
  // Its own errors name the disk below by its identity.
  const cases = storageSuite({ make }).filter(({ name }) => !name.startsWith('close settles'))
  for (const { name, run } of cases) test(name, run)
})

test('nothing gets below before a flush, everything by it', async () => {
  const path = image()
  const disk = await open(path, 1)
  await disk.write(0, [sectors(4, 7)])
  expect(states(path).every((state) => state === 0)).toBe(true)
  expect(disk.unflushed).toBe(4)
  await disk.flush()
  expect(states(path).slice(0, 5)).toEqual([7, 7, 7, 7, 0])
  expect(disk.unflushed).toBe(0)
  await disk.close()
})

test('what was flushed survives every cut; the rest is in any state it had since', async () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 300; seed++) {
    const path = image()
    const disk = await open(path, seed)
    await disk.write(0, [sectors(8, 1)])
    await disk.flush()
    await disk.write(0, [sectors(2, 2)])
    await disk.write(0, [sectors(1, 3)])
    await disk.write(512 * 20, [sectors(1, 4)])
    await disk.cut()
    const found = states(path)
    expect(found.slice(2, 8)).toEqual([1, 1, 1, 1, 1, 1])
    expect([1, 2, 3]).toContain(found[0])
    expect([1, 2]).toContain(found[1])
    expect([0, 4]).toContain(found[20])
    seen.add([found[0], found[1], found[20]].join())
  }
  // Torn, out of order, all, none: each of the twelve happens.
  expect(seen.size).toBe(12)
})

test('within a unit nothing is torn', async () => {
  for (let seed = 0; seed < 60; seed++) {
    const path = image()
    const disk = await open(path, seed, 4096)
    await disk.write(0, [sectors(16, 5)])
    await disk.write(0, [sectors(16, 6)])
    await disk.cut()
    const found = states(path)
    expect(new Set(found.slice(0, 8)).size).toBe(1)
    expect(new Set(found.slice(8, 16)).size).toBe(1)
  }
})

test('the same seed and the same writes leave the same', async () => {
  const result = async (seed: number): Promise<string> => {
    const path = image()
    const disk = await open(path, seed)
    const random = seeded(99)
    for (let n = 0; n < 40; n++) {
      await disk.write(512 * Math.floor(random() * 60), [sectors(1 + Math.floor(random() * 4), n + 1)])
    }
    await disk.cut()
    return states(path).join()
  }
  const first = await result(5)
  expect(await result(5)).toBe(first)
  const others = [await result(6), await result(7), await result(8)]
  expect(others.some((other) => other !== first)).toBe(true)
})

test('after the cut nothing is done, also nothing that was under way', async () => {
  const path = image()
  const disk = await open(path, 3)
  const cut = disk.cut()
  for (const work of [disk.read(0, [sectors(1, 0)]), disk.write(0, [sectors(1, 1)]), disk.flush()]) {
    await expect(work).rejects.toMatchObject({ code: 'DISK_GONE' })
  }
  await cut
  expect(states(path).every((state) => state === 0)).toBe(true)
})

test('a flush that is not acknowledged promises nothing, one that is promises all', async () => {
  for (let seed = 0; seed < 40; seed++) {
    const path = image()
    const disk = await open(path, seed)
    await disk.write(0, [sectors(4, 1)])
    const flush = disk.flush().then(
      () => true,
      () => false,
    )
    if (seed % 2 === 0) await flush
    await disk.cut()
    if (await flush) expect(states(path).slice(0, 4)).toEqual([1, 1, 1, 1])
  }
})

test('a full cache is written back', async () => {
  const path = image()
  const disk = await open(path, 1, 512, 8 * 512)
  for (let n = 0; n < 32; n++) await disk.write(n * 512, [sectors(1, 9)])
  expect(disk.unflushed).toBeLessThanOrEqual(8)
  expect(states(path).filter((state) => state === 9).length).toBeGreaterThanOrEqual(24)
  await disk.close()
})

test('as a plugin it is between any storage and its user, and SIGUSR2 cuts the power', async () => {
  const path = image(4096)
  const program = fileURLToPath(new URL('./cut-user.ts', import.meta.url))
  const args = ['--conditions=@paravane/source', program, `power-cut:14:512:file:${path}`]
  const user = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(user.stdout, 'data')
  expect(states(path).slice(0, 4)).toEqual([1, 1, 0, 0])
  user.kill('SIGUSR2')
  const [, signal] = await once(user, 'exit')
  expect(signal).toBe('SIGKILL')
  const found = states(path)
  expect(found.slice(0, 2)).toEqual([1, 1])
  expect(found.slice(2).some((state) => state === 2)).toBe(true)
  expect(found.slice(2).some((state) => state === 0)).toBe(true)
})
