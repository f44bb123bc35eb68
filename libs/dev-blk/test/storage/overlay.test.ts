import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Disk, StorageDriver } from '@paravane/core'
import { storageSuite } from '@paravane/core/conformance'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileDriver } from '../../src/storage/file-driver.ts'
import { HostLocks } from '../../src/storage/host-locks.ts'
import { OverlayDisk } from '../../src/storage/overlay/overlay-disk.ts'
import { createOverlay, readOverlay } from '../../src/storage/overlay/overlay-file.ts'
import { overlayDriver } from '../../src/storage/overlay-driver.ts'
import { PowerCutDisk, seeded } from '../power-cut/power-cut-disk.ts'

const SIZE = 1 << 20
let folder: string
const disks: Disk[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlay-'))
})
afterEach(async () => {
  for (const disk of disks.splice(0)) await disk.close()
  rmSync(folder, { recursive: true })
})

const locks = new HostLocks()
const drivers = new Map<string, StorageDriver>([['file', fileDriver({ locks })]])
const overlay = overlayDriver(drivers, { locks })
drivers.set('overlay', overlay)

/** An image each of whose sectors has its number. */
function base(size: number = SIZE, path: string = join(folder, 'base')): string {
  writeFileSync(
    path,
    Uint8Array.from({ length: size }, (_, n) => (n >> 9) & 0xff),
  )
  return path
}

const target = (top: string, below: string): string => `${join(folder, top)}:file:${below}`

async function open(target: string, readonly: boolean = false): Promise<Disk> {
  const disk = await overlay.open({ target, readonly })
  disks.push(disk)
  return disk
}

async function bytesAt(disk: Disk, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  await disk.read(offset, [bytes])
  return bytes
}

describe('the conformance suite:', () => {
  const make = async (size: number) => {
    const place = mkdtempSync(join(folder, 'suite-'))
    const below = join(place, 'base')
    writeFileSync(below, '')
    truncateSync(below, size)
    // It is there before it is opened read-only.
    const name = `${join(place, 'top')}:file:${below}`
    await (await overlay.open({ target: name, readonly: false })).close()
    return {
      driver: overlay,
      target: name,
      alias: `${place}/../${place.split('/').at(-1)}/top:file:${below}`,
      missing: `${join(place, 'nowhere', 'top')}:file:${below}`,
      remove: async () => rmSync(place, { recursive: true }),
    }
  }
  for (const { name, run } of storageSuite({ make })) test(name, run)
})

test('what was never written comes from the base, which stays as it is', async () => {
  const below = base()
  const before = readFileSync(below)
  const disk = await open(target('top', below))
  await disk.write(512, [new Uint8Array(512).fill(200)])
  await disk.write(8192, [new Uint8Array(8192).fill(201)])
  const all = await bytesAt(disk, 0, SIZE)
  const expected = Buffer.from(before)
  expected.fill(200, 512, 1024).fill(201, 8192, 16_384)
  expect(Buffer.compare(all, expected)).toBe(0)
  await disk.close()
  expect(Buffer.compare(readFileSync(below), before)).toBe(0)
  expect(Buffer.compare(await bytesAt(await open(target('top', below)), 0, SIZE), expected)).toBe(0)
})

test('parts of one cluster are written at once', async () => {
  const below = base()
  const disk = await open(target('top', below))
  await Promise.all([0, 2, 4, 6, 7].map((n) => disk.write(4096 + n * 512, [new Uint8Array(512).fill(100 + n)])))
  const bytes = await bytesAt(disk, 4096, 4096)
  expect(Array.from({ length: 8 }, (_, n) => bytes[n * 512])).toEqual([100, 9, 102, 11, 104, 13, 106, 107])
})

test('a top takes the room of what was written, and no more', async () => {
  const disk = await open(target('top', base(64 << 20)))
  await disk.write(0, [new Uint8Array(4096).fill(1)])
  await disk.flush()
  expect(statSync(join(folder, 'top')).blocks * 512).toBeLessThan(64 << 10)
})

test('a disk that is no multiple of a cluster is whole to its end', async () => {
  const size = 10_240 - 1024
  const disk = await open(target('top', base(size)))
  await disk.write(size - 512, [new Uint8Array(512).fill(77)])
  expect([...(await bytesAt(disk, size - 1024, 1024))].filter((byte) => byte === 77)).toHaveLength(512)
})

/** An overlay whose file is on a medium with a volatile cache. */
async function onMedium(path: string, below: string, seed: number): Promise<{ disk: Disk; medium: PowerCutDisk }> {
  const file = drivers.get('file')!
  const medium = new PowerCutDisk(await file.open({ target: path, readonly: false }), { seed, unit: 512 })
  const top = await readOverlay({
    path,
    fd: -1,
    read: (offset, into) => medium.read(offset, into),
    write: (offset, from) => medium.write(offset, from),
    sync: () => medium.flush(),
    close: () => medium.close(),
  })
  const lower = await file.open({ target: below, readonly: true })
  const about = { name: 'overlay', readonly: false, identity: path, lock: undefined }
  return { disk: new OverlayDisk({ ...about, base: lower, top }), medium }
}

test('whenever the power is cut, what was flushed is there, and the rest as it was or as it was written', async () => {
  const sectors = 2048
  for (let seed = 0; seed < 60; seed++) {
    const below = base(sectors * 512)
    const path = join(folder, `top-${seed}`)
    await createOverlay(path, sectors * 512)
    const { disk, medium } = await onMedium(path, below, seed)
    const random = seeded(seed + 1000)
    /** What each sector may hold: the first is what is durable. */
    const may = Array.from({ length: sectors }, (_, n) => [n & 0xff])
    for (let n = 0; n < 60; n++) {
      const [at, count] = [Math.floor(random() * (sectors - 24)), 1 + Math.floor(random() * 24)]
      await disk.write(at * 512, [new Uint8Array(count * 512).fill(n + 1)])
      for (let sector = at; sector < at + count; sector++) may[sector]!.push(n + 1)
      if (random() > 0.15) continue
      await disk.flush()
      for (const values of may) values.splice(0, values.length - 1)
    }
    const flush = random() < 0.5 ? disk.flush().catch(() => {}) : undefined
    await medium.cut()
    await flush
    const found = await bytesAt(await open(`${path}:file:${below}`, true), 0, sectors * 512)
    for (const [sector, values] of may.entries()) {
      expect(values, `sector ${sector}, seed ${seed}`).toContain(found[sector * 512])
    }
  }
})

test('a top that is taken away fails what is asked for, until it is put back', async () => {
  const disk = await open(target('top', base()))
  await disk.write(0, [new Uint8Array(512).fill(1)])
  renameSync(join(folder, 'top'), join(folder, 'gone'))
  await expect(disk.flush()).rejects.toThrow('it was removed or renamed; put it back')
  await expect(disk.write(0, [new Uint8Array(512)])).rejects.toMatchObject({ code: 'DISK_GONE' })
  renameSync(join(folder, 'gone'), join(folder, 'top'))
  const flushed = () =>
    disk.flush().then(
      () => true,
      () => false,
    )
  await expect.poll(flushed, { timeout: 5000 }).toBe(true)
})

test('a top that another hypervisor has is refused', async () => {
  const name = target('top', base())
  await open(name)
  const other = overlayDriver(drivers, { locks: new HostLocks() })
  await expect(other.open({ target: name, readonly: true })).rejects.toThrow(
    `process ${process.pid} has it: end its use there`,
  )
})

test.each([
  ['x:file:/a', 'write overlay:/PATH/TOP:BASE, where BASE is a disk such as file:/PATH'],
  ['/a', 'write overlay:/PATH/TOP:BASE'],
  ['/a:nowhere:/b', 'nowhere:/b: no plugin has storage of scheme "nowhere"'],
  ['/a:file:/nowhere/b', 'file:/nowhere/b: there is no such file'],
])('overlay:%s is refused', async (name, said) => {
  await expect(open(name)).rejects.toThrow(said)
})

test('what is no top, or one of another base, is refused by name', async () => {
  const below = base()
  writeFileSync(join(folder, 'text'), 'some text')
  await expect(open(target('text', below))).rejects.toThrow(
    `overlay:${target('text', below)}: its top is a file of something else`,
  )
  await (await open(target('top', below))).close()
  const other = base(SIZE / 2, join(folder, 'other'))
  await expect(open(target('top', other))).rejects.toThrow(
    `its top was made over a base of ${SIZE} bytes, and this one has ${SIZE / 2}: take the right one`,
  )
  const damaged = readFileSync(join(folder, 'top'))
  damaged.writeUInt32LE(9, 8)
  writeFileSync(join(folder, 'newer'), damaged)
  await expect(open(target('newer', below))).rejects.toThrow('its top is of version 9, which is not known')
  damaged.writeUInt32LE(1, 8)
  damaged.fill(0xff, 16, 24)
  writeFileSync(join(folder, 'damaged'), damaged)
  await expect(open(target('damaged', below))).rejects.toThrow('its top is damaged')
  await expect(overlay.open({ target: target('top', below), readonly: false, shared: true })).rejects.toThrow(
    'an overlay cannot be shared: leave out the ! of w!',
  )
})

test('an overlay may be the base of another', async () => {
  const below = base()
  const middle = await open(target('middle', below))
  await middle.write(0, [new Uint8Array(512).fill(50)])
  await middle.close()
  const top = await open(`${join(folder, 'top')}:overlay:${target('middle', below)}`)
  await top.write(512, [new Uint8Array(512).fill(51)])
  expect(Array.from(await bytesAt(top, 0, 1536)).filter((_, n) => n % 512 === 0)).toEqual([50, 51, 2])
})
