import { readFileSync } from 'node:fs'
import { HostPrograms } from '@paravane/core'
import { type StorageFixture, storageSuite } from '@paravane/core/conformance'
import { HostLocks, Lvm, LvmVolumes, lvmDriver } from '@paravane/dev-blk'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Place, pattern, readBack } from './place.ts'
import { lackOfLoops, VolumeGroup } from './volume-group.ts'

const MIB = 1 << 20
let place: Place
let group: VolumeGroup
let lack: string | undefined
let made = 0

beforeAll(async () => {
  place = await Place.make(['lvm'])
  lack = await lackOfLoops(place)
  if (lack === undefined) group = await VolumeGroup.make(place, `paravane${process.pid}`)
})
afterEach(() => place.closeDisks())
afterAll(async () => {
  await group?.end()
  await place.close()
})

const driver = () => lvmDriver(group.lvm, { locks: new HostLocks() })

/** A new volume whose bytes are zeros: others had its extents before. */
async function volume(size: number, stripes: number = 1): Promise<string> {
  const target = `${group.name}/v${++made}`
  await group.volumes.create(target, size, stripes)
  const disk = await driver().open({ target, readonly: false })
  for (let at = 0; at < disk.size; at += MIB) await disk.write(at, [new Uint8Array(MIB)])
  await disk.close()
  return target
}

describe.each([
  ['linear', 1],
  ['striped', 2],
])('the conformance suite on a %s volume:', (_, stripes) => {
  const make = async (size: number): Promise<StorageFixture> => {
    // Whole stripes of extents.
    const target = await volume(Math.max(size, stripes * MIB), stripes)
    return {
      driver: driver(),
      target,
      alias: `/dev/${target}`,
      missing: `${group.name}/nothing`,
      grow: (larger) => group.volumes.grow(target, larger),
      remove: () => group.volumes.remove(target),
    }
  }
  for (const { name, run } of storageSuite({ make })) {
    test(name, async ({ skip }) => {
      if (lack !== undefined) skip(`no loop device can be made here: ${lack}`)
      await run()
    })
  }
})

describe('a logical volume', () => {
  test.beforeEach(({ skip }) => {
    if (lack !== undefined) skip(`no loop device can be made here: ${lack}`)
  })

  test('is where lvm says, and no byte of another', async () => {
    const [one, other] = [await volume(4 * MIB), await volume(4 * MIB)]
    await group.volumes.grow(one, 8 * MIB)
    const disk = await place.open(driver(), one)
    const bytes = Buffer.concat([5, 6].map((seed) => pattern(4 * MIB, seed)))
    await disk.write(0, [bytes])
    await disk.flush()
    expect(Buffer.compare(await readBack(disk, 0, 8 * MIB), bytes)).toBe(0)
    const neighbour = await place.open(driver(), other)
    expect((await readBack(neighbour, 0, 4 * MIB)).every((byte) => byte === 0)).toBe(true)
    // Its two segments, with the other volume between them.
    const image = readFileSync(place.path('pv1'))
    const at = image.indexOf(bytes.subarray(0, 4 * MIB))
    expect(at).toBeGreaterThan(0)
    expect(image.indexOf(bytes.subarray(4 * MIB, 8 * MIB))).toBe(at + 8 * MIB)
  })

  test('that grows over a gap is told of, and read on', async () => {
    const one = await volume(2 * MIB)
    await volume(1 * MIB)
    const disk = await place.open(driver(), one)
    const grown = new Promise<void>((resolve) => disk.onResize?.(resolve))
    await group.volumes.grow(one, 6 * MIB)
    await grown
    expect(disk.size).toBe(6 * MIB)
    await disk.write(2 * MIB - 4096, [pattern(8192)])
    expect(Buffer.compare(await readBack(disk, 2 * MIB - 4096, 8192), pattern(8192))).toBe(0)
  })

  test('that is removed under its user fails, and does not write into the next one', async () => {
    const one = await volume(2 * MIB)
    const disk = await place.open(driver(), one)
    await group.volumes.remove(one)
    const write = () =>
      disk.write(0, [pattern(4096)]).then(
        () => 'written',
        (error: Error) => error.message,
      )
    await expect.poll(write, { timeout: 10_000 }).toContain('the volume is not what it was when it was opened')
  })

  test('cannot be had by two hypervisors', async () => {
    const one = await volume(MIB)
    const first = await place.open(driver(), one)
    // Another user within this process may; it is for its owner to refuse that.
    await place.open(lvmDriver(group.lvm, { locks: new HostLocks() }), one).then(
      () => expect.unreachable(),
      (error: Error) => expect(error.message).toBe(`lvm:${one}: process ${process.pid} has it: end its use there`),
    )
    await first.close()
  })

  test('that was never there, and what only device-mapper can do, is refused by name', async () => {
    await expect(place.open(driver(), `${group.name}/nothing`)).rejects.toThrow(
      `lvm:${group.name}/nothing: lvm says: Failed to find logical volume "${group.name}/nothing"`,
    )
    await expect(place.open(driver(), 'nothing')).rejects.toThrow('lvm:nothing: name a logical volume as lvm:VG/LV')
    const one = await volume(2 * MIB)
    await expect(group.volumes.snapshot(one, 'snap', MIB)).rejects.toThrow(
      `lvm:${one}: a snapshot needs device-mapper, which this host has not: use overlay:/PATH/TOP:lvm:VG/LV instead`,
    )
    const none = new Lvm(new HostPrograms('/nowhere'), false)
    await expect(new LvmVolumes(none).create(one, MIB)).rejects.toThrow(
      "lvm is not on this machine; install Debian's package lvm2",
    )
  })
})
