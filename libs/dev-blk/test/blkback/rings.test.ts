import { BLKIF_OP_READ } from '@paravane/core/abi'
import { beforeEach, describe, expect, it } from 'vitest'
import { DeviceBench } from './device-bench.ts'
import type { Asked } from './front-ring.ts'
import { ScriptedDisk } from './scripted-disk.ts'

const SIZE = 4 << 20
const READ = BLKIF_OP_READ

let disk: ScriptedDisk
let bench: DeviceBench

beforeEach(() => {
  disk = new ScriptedDisk(SIZE)
  for (let at = 0; at < disk.content.length; at++) disk.content[at] = (at >> 9) + at
  bench = new DeviceBench(disk)
})

describe('rings', () => {
  it('of sixteen pages take 512 requests at once', async () => {
    bench.connect({ order: 4 })
    expect(bench.ring.size).toBe(512)
    const all = Array.from({ length: 512 }, (_, n): Asked => ({ op: READ, sector: n, segments: [{ ref: n }] }))
    for (const request of all) bench.ring.write(request)
    bench.ring.show()
    await bench.kick()
    await bench.settle()
    expect(bench.ring.answers().filter(({ status }) => status === 0)).toHaveLength(512)
    expect(Buffer.compare(bench.guest.page(511), disk.content.subarray(511 * 512, 511 * 512 + 4096))).toBe(0)
    await bench.backend.disconnect()
    expect(bench.guest.allUses).toBe(0)
  })

  it('are up to four, each with its port', async () => {
    bench.connect({ queues: 4 })
    for (const [queue, ring] of bench.rings.entries()) {
      ring.ask({ op: READ, sector: queue, segments: [{ ref: queue }] })
      await bench.kick(queue)
      await bench.settle()
      expect(ring.answers()).toEqual([{ id: 0n, operation: READ, status: 0 }])
      expect(bench.events(queue)).toBe(1)
    }
    expect(bench.backend.facts()).toMatchObject({ queues: 4, reads: 4, bytesRead: 4 * 4096 })
  })

  it.each([
    ['ring-ref', undefined, 'it published no ring-ref'],
    ['ring-ref', '999', 'it grants domain 0 no page by 999 (status -3)'],
    ['ring-ref', '-1', 'ring-ref "-1" is no number'],
    ['ring-ref', '4294967296', 'ring-ref "4294967296" is no number'],
    ['event-channel', undefined, 'it published no event-channel'],
    ['event-channel', '77', 'it offers no port 77 to domain 0 (error -22)'],
    ['ring-page-order', '5', 'ring-page-order 5 is above 4'],
    ['ring-page-order', '0', 'it published no ring-ref0'],
    ['multi-queue-num-queues', '5', 'multi-queue-num-queues 5 is not from 1 to 4'],
    ['multi-queue-num-queues', '2', 'it published no queue-0/ring-ref'],
    ['protocol', 'x86_32-abi', 'protocol "x86_32-abi" is not x86_64-abi'],
    ['protocol', 'a\nb"', 'protocol "a\\nb\\"" is not x86_64-abi'],
  ])('are refused where %s is %s', (key, value, why) => {
    bench.connect()
    bench = new DeviceBench(disk)
    const { front } = bench.guest
    bench.guest.grant(700, 40)
    bench.guest.offerPort(3)
    front.set('ring-ref', '700').set('event-channel', '3')
    if (value === undefined) front.delete(key)
    else front.set(key, value)
    expect(() => bench.backend.connect()).toThrow(why)
    expect(bench.guest.allUses).toBe(0)
  })

  it.each([33, 0x8000_0000, 0xffff_ffff])('whose front end says it has %i requests are given up', async (produced) => {
    bench.connect()
    bench.ring.produced = produced
    bench.ring.show()
    await bench.kick()
    expect(bench.ring.answers()).toEqual([])
    expect(bench.guest.faults).toEqual(['its ring says that there are more requests than it has room for'])
    await bench.backend.disconnect()
    expect(bench.guest.allUses).toBe(0)
  })
})
