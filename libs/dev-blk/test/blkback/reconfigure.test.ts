import { BLKIF_OP_READ, BLKIF_OP_WRITE } from '@paravane/core/abi'
import { beforeEach, describe, expect, it } from 'vitest'
import { DeviceBench } from './device-bench.ts'
import { ScriptedDisk } from './scripted-disk.ts'

const MIB = 1 << 20
const [READ, WRITE] = [BLKIF_OP_READ, BLKIF_OP_WRITE]

let disk: ScriptedDisk
let other: ScriptedDisk
let bench: DeviceBench

beforeEach(() => {
  disk = new ScriptedDisk(4 * MIB)
  other = new ScriptedDisk(8 * MIB)
  bench = new DeviceBench(disk)
  bench.others.set('file:/other', other)
  bench.connect()
})

async function show(op: number, sector: number, ref: number): Promise<void> {
  bench.ring.ask({ op, sector, segments: [{ ref }] })
  await bench.kick()
  await bench.settle()
}

const statuses = (): readonly number[] => bench.ring.answers().map(({ status }) => status)

describe('another disk comes behind a device', () => {
  it('when what is under way has ended; what comes meanwhile waits for it', async () => {
    disk.instant = false
    await show(WRITE, 0, 1)
    const changed = bench.backend.reconfigure('file:/other,xvda,w')
    await bench.settle()
    await show(READ, 8, 2)
    expect(disk.pending.map(({ kind }) => kind)).toEqual(['write'])
    disk.pending[0]?.done()
    await bench.settle()
    // What the guest has written is safe before it is left.
    expect(disk.pending.map(({ kind }) => kind)).toEqual(['flush'])
    other.content.fill(0x77, 4096, 8192)
    disk.pending[0]?.done()
    await changed
    await bench.settle()
    expect(statuses()).toEqual([0, 0])
    expect(bench.guest.page(2).every((byte) => byte === 0x77)).toBe(true)
    expect([disk.closed, other.closed]).toEqual([true, false])
    expect(bench.guest.back.get('params')).toBe('/other')
    expect(bench.guest.back.get('sectors')).toBe(String((8 * MIB) / 512))
    expect(bench.guest.announced).toBe(1)
  })

  it.each([
    ['file:/other,xvdb,w', 'disk xvdb: the device is xvda; say that'],
    ['file:/other,xvda:cdrom,r', 'the guest knows it as a disk; detach it and attach another'],
    ['file:/other,xvda,r', 'the guest knows it as writable, so it cannot become read-only'],
    ['file:/small,xvda,w', "file:/small: it has 2097152 bytes and the guest's disk 4194304; give one that is as large"],
    ['file:/coarse,xvda,w', "file:/coarse: its sectors are of 4096 bytes and those of the guest's disk of 512"],
    ['nonsense', 'disk "nonsense": it names no device'],
  ])('not %s, and nothing has changed then', async (config, why) => {
    const small = new ScriptedDisk(2 * MIB)
    bench.others.set('file:/small', small)
    bench.others.set('file:/coarse', new ScriptedDisk(4 * MIB, { sectorSize: 4096 }))
    await expect(bench.backend.reconfigure(config)).rejects.toThrow(why)
    await show(READ, 0, 1)
    expect(statuses()).toEqual([0])
    expect([disk.closed, bench.guest.announced]).toEqual([false, 0])
    if (config.includes('small')) expect(small.closed).toBe(true)
  })

  it('also if the old one cannot be flushed any more: the operator is told', async () => {
    disk.instant = false
    const changed = bench.backend.reconfigure('file:/other,xvda,w')
    await bench.settle()
    disk.pending[0]?.fail()
    await changed
    expect(bench.guest.warnings).toEqual([
      'a flush failed: scripted: it is broken; the guest gets an input/output error',
    ])
  })

  it('with all that the guest writes while it is copied, also where it was copied already', async () => {
    for (let at = 0; at < disk.content.length; at++) disk.content[at] = at * 7
    disk.instant = false
    const changed = bench.backend.reconfigure({ storage: 'file:/other', vdev: 'xvda', mode: 'w', copy: true })
    await bench.settle()
    for (const [page, sector] of [
      [1, 0],
      [2, 1000],
      [3, 8184],
    ] as const) {
      // One MiB more is copied, and then the guest writes where it has been, or will be.
      disk.pending[0]?.done()
      await bench.settle()
      bench.guest.page(page).fill(0x10 + page)
      await show(WRITE, sector, page)
      disk.pending.findLast(({ kind }) => kind === 'write')?.done()
      await bench.settle()
    }
    let isOver = false
    void changed.then(() => {
      isOver = true
    })
    for (let turn = 0; !isOver && turn < 1000; turn++) {
      disk.pending[0]?.done()
      await bench.settle()
    }
    expect(isOver).toBe(true)
    expect(statuses()).toEqual([0, 0, 0])
    expect(Buffer.compare(other.content.subarray(0, 4 * MIB), disk.content.subarray(0, 4 * MIB))).toBe(0)
    expect([other.content[0], other.content[1000 * 512], other.content[8184 * 512]]).toEqual([0x11, 0x12, 0x13])
    await show(WRITE, 8, 1)
    expect(other.content[4096]).toBe(0x11)
    expect(disk.content[4096]).not.toBe(0x11)
  })

  it('not if it cannot be copied: the guest keeps what it has', async () => {
    disk.instant = false
    const spec = { storage: 'file:/other', vdev: 'xvda', mode: 'w', copy: true }
    const refused = expect(bench.backend.reconfigure(spec)).rejects.toThrow('scripted: it is broken')
    await bench.settle()
    disk.pending[0]?.fail()
    await refused
    disk.instant = true
    await show(WRITE, 0, 1)
    expect(statuses()).toEqual([0])
    expect([disk.closed, other.closed]).toEqual([false, true])
  })
})

it('a medium comes into a tray and goes', async () => {
  bench = new DeviceBench(undefined)
  bench.others.set('file:/other', other)
  expect(bench.connect()).toMatchObject({ sectors: 0 })
  await bench.backend.reconfigure('file:/other,xvda:cdrom,r')
  expect(bench.guest.back.get('sectors')).toBe(String((8 * MIB) / 512))
  await show(READ, 0, 1)
  await bench.backend.reconfigure(',xvda:cdrom,r')
  expect(bench.guest.back.get('sectors')).toBe('0')
  await show(READ, 0, 1)
  expect(statuses()).toEqual([0, -1])
  expect(other.closed).toBe(true)
})

it('a disk that is being copied to does not keep a domain that is destroyed', async () => {
  disk.instant = true
  other.instant = false
  const refused = expect(
    bench.backend.reconfigure({ storage: 'file:/other', vdev: 'xvda', mode: 'w', copy: true }),
  ).rejects.toThrow('it is closed')
  await bench.settle()
  expect(other.pending).toHaveLength(1)
  bench.backend.abort()
  await refused
  await bench.backend.disconnect()
  await bench.backend.close()
  expect([disk.closed, other.closed, bench.guest.allUses]).toEqual([true, true, 0])
})
