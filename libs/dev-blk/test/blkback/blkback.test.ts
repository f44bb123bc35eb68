import { DiskError } from '@paravane/core'
import {
  BLKIF_OP_DISCARD,
  BLKIF_OP_FLUSH_DISKCACHE,
  BLKIF_OP_READ,
  BLKIF_OP_WRITE,
  BLKIF_OP_WRITE_BARRIER,
  BLKIF_RSP_EOPNOTSUPP,
  BLKIF_RSP_ERROR,
} from '@paravane/core/abi'
import { beforeEach, describe, expect, it } from 'vitest'
import { DeviceBench } from './device-bench.ts'
import type { Asked } from './front-ring.ts'
import { ScriptedDisk } from './scripted-disk.ts'

const SIZE = 4 << 20
const [READ, WRITE, BARRIER, FLUSH, DISCARD] = [
  BLKIF_OP_READ,
  BLKIF_OP_WRITE,
  BLKIF_OP_WRITE_BARRIER,
  BLKIF_OP_FLUSH_DISKCACHE,
  BLKIF_OP_DISCARD,
]
const [OKAY, ERROR, UNSUPPORTED] = [0, BLKIF_RSP_ERROR, BLKIF_RSP_EOPNOTSUPP]

let disk: ScriptedDisk
let bench: DeviceBench

beforeEach(() => {
  disk = new ScriptedDisk(SIZE, { discards: true })
  for (let at = 0; at < disk.content.length; at++) disk.content[at] = (at >> 9) + at
  bench = new DeviceBench(disk)
})

/** What the back end answers to requests that are shown at once. */
async function answers(...requests: readonly Asked[]): Promise<readonly (readonly [bigint, number])[]> {
  for (const request of requests) bench.ring.write(request)
  bench.ring.show()
  await bench.kick()
  await bench.settle()
  return bench.ring.answers().map(({ id, status }) => [id, status] as const)
}

async function status(request: Asked): Promise<number | undefined> {
  return (await answers(request))[0]?.[1]
}

describe('a request of a front end', () => {
  beforeEach(() => {
    bench.connect()
  })

  it('reads whole pages and parts of them, each where it belongs', async () => {
    const segments = [{ ref: 3 }, { ref: 9, first: 2, last: 2 }, { ref: 4, first: 1, last: 6 }]
    bench.guest.page(9).fill(0xee)
    bench.ring.write({ op: READ, id: 0xfedc_ba98_7654_3210n, sector: 17, segments })
    bench.ring.show()
    await bench.kick()
    await bench.settle()
    expect(bench.ring.answers()).toEqual([{ id: 0xfedc_ba98_7654_3210n, operation: READ, status: OKAY }])
    const from = 17 * 512
    expect(same(bench.guest.page(3), disk.content.subarray(from, from + 4096))).toBe(true)
    expect(same(bench.guest.page(9).subarray(1024, 1536), disk.content.subarray(from + 4096, from + 4608))).toBe(true)
    expect(bench.guest.page(9)[1023]).toBe(0xee)
    expect(bench.guest.page(9)[1536]).toBe(0xee)
    expect(same(bench.guest.page(4).subarray(512, 3584), disk.content.subarray(from + 4608, from + 7680))).toBe(true)
    // Whoever has code of these pages is told.
    expect(bench.guest.written).toEqual(['3: 0 + 4096', '9: 1024 + 512', '4: 512 + 3072'])
    expect(bench.guest.allUses).toBe(1)
  })

  it('writes, and tells nobody of memory', async () => {
    bench.guest.page(5).fill(0x55)
    bench.guest.page(6).fill(0x66)
    expect(await status({ op: WRITE, sector: 8, segments: [{ ref: 5, first: 7, last: 7 }, { ref: 6 }] })).toBe(OKAY)
    expect(same(disk.content.subarray(4096, 4608), new Uint8Array(512).fill(0x55))).toBe(true)
    expect(same(disk.content.subarray(4608, 8704), new Uint8Array(4096).fill(0x66))).toBe(true)
    expect(bench.guest.written).toEqual([])
  })

  it('may write from memory that is granted read-only, and not read into it', async () => {
    bench.guest.grant(600, 6, true)
    expect(await status({ op: WRITE, segments: [{ ref: 600 }] })).toBe(OKAY)
    expect(await status({ op: READ, segments: [{ ref: 600 }] })).toBe(ERROR)
  })

  it('has up to 256 segments if they lie in pages of their own', async () => {
    const segments = Array.from({ length: 256 }, (_, n) => ({ ref: n }))
    const indirect = [{ ref: 300, page: 300 }]
    bench.ring.write({ op: READ, sector: 1, segments, indirect })
    bench.ring.show()
    await bench.kick()
    await bench.settle()
    // The operation is the one inside: another would have Linux give the disk up.
    expect(bench.ring.answers()).toEqual([{ id: 0n, operation: READ, status: OKAY }])
    for (const page of [0, 100, 255]) {
      const at = 512 + page * 4096
      expect(same(bench.guest.page(page), disk.content.subarray(at, at + 4096))).toBe(true)
    }
    expect(bench.guest.allUses).toBe(1)
  })

  it.each<readonly [string, Asked, number]>([
    ['names no grant', { op: READ, segments: [{ ref: 1 }, { ref: 999 }] }, ERROR],
    ['has a segment that ends before it begins', { op: READ, segments: [{ ref: 1, first: 3, last: 2 }] }, ERROR],
    ['has a segment that leaves its page', { op: READ, segments: [{ ref: 1, first: 0, last: 8 }] }, ERROR],
    ['has no segment', { op: READ }, ERROR],
    ['says it has twelve', { op: WRITE, segments: [{ ref: 1 }], count: 12 }, ERROR],
    ['says it has 257 in pages of their own', { op: WRITE, count: 257, indirect: [{ ref: 2, page: 2 }] }, ERROR],
    ['has segments in a page that is not granted', { op: WRITE, count: 1, indirect: [{ ref: 999, page: 2 }] }, ERROR],
    ['has a flush in pages of its own', { op: FLUSH, count: 0, indirect: [{ ref: 2, page: 2 }] }, ERROR],
    ['has a discard in pages of its own', { op: DISCARD, count: 0, indirect: [{ ref: 2, page: 2 }] }, ERROR],
    ['ends behind the disk', { op: READ, sector: SIZE / 512 - 7, segments: [{ ref: 1 }] }, ERROR],
    ['begins far behind it', { op: READ, sector: 2n ** 64n - 1n, segments: [{ ref: 1 }] }, ERROR],
    ['discards behind it', { op: DISCARD, sector: 8, sectors: 2n ** 63n }, ERROR],
    ['discards nothing', { op: DISCARD, sector: 8, sectors: 0 }, ERROR],
    ['discards beyond recovery', { op: DISCARD, sector: 8, sectors: 8, flag: 1 }, UNSUPPORTED],
    ['is of no kind', { op: 77 }, UNSUPPORTED],
    ['is of a kind that is reserved', { op: 4 }, UNSUPPORTED],
  ])('that %s is refused, and nothing done', async (_, request, answer) => {
    const before = disk.content.slice()
    disk.instant = false
    expect(await status(request)).toBe(answer)
    expect(disk.pending).toEqual([])
    expect(same(disk.content, before)).toBe(true)
    expect(bench.guest.allUses).toBe(1)
    expect(bench.guest.warnings).toEqual([])
    disk.instant = true
    expect(await status({ op: READ, segments: [{ ref: 1 }] })).toBe(OKAY)
  })

  it('discards', async () => {
    expect(await status({ op: DISCARD, sector: 8, sectors: 16 })).toBe(OKAY)
    expect(same(disk.content.subarray(4096, 12288), new Uint8Array(8192))).toBe(true)
    expect(disk.content[12289]).not.toBe(0)
  })
})

describe('the order of requests', () => {
  beforeEach(() => {
    bench.connect()
    disk.instant = false
  })

  it('is none: each is answered when it is done', async () => {
    await answers({ op: READ, segments: [{ ref: 1 }] }, { op: READ, sector: 8, segments: [{ ref: 2 }] })
    expect(disk.pending).toHaveLength(2)
    disk.pending[1]?.done()
    await bench.settle()
    expect(bench.ring.answers().map(({ id }) => id)).toEqual([1n])
    disk.pending[0]?.done()
    await bench.settle()
    expect(bench.ring.answers().map(({ id }) => id)).toEqual([0n])
  })

  it('is that of requests where a run is to be repeatable', async () => {
    bench = new DeviceBench(disk, { repeatable: true })
    bench.connect()
    for (const ref of [1, 2]) bench.ring.write({ op: READ, sector: ref, segments: [{ ref }] })
    bench.ring.show()
    let isDone = false
    const done = Promise.resolve(bench.kick()).then(() => {
      isDone = true
    })
    await bench.settle()
    disk.pending[1]?.done()
    await bench.settle()
    expect([isDone, bench.ring.answers()]).toEqual([false, []])
    disk.pending[0]?.done()
    await done
    await bench.settle()
    expect(bench.ring.answers().map(({ id }) => id)).toEqual([0n, 1n])
  })

  it('a flush is answered when it is flushed, and not before', async () => {
    expect(await answers({ op: FLUSH })).toEqual([])
    expect(disk.pending.map(({ kind }) => kind)).toEqual(['flush'])
    disk.pending[0]?.done()
    expect(await answers()).toEqual([[0n, OKAY]])
  })

  it('a flush that brings something writes it behind', async () => {
    await answers({ op: FLUSH, sector: 8, segments: [{ ref: 1 }] })
    const kinds: string[] = []
    for (; disk.pending.length > 0; await bench.settle()) {
      kinds.push(disk.pending.map(({ kind }) => kind).join())
      disk.pending[0]?.done()
    }
    expect(kinds).toEqual(['flush', 'write'])
    expect(await answers()).toEqual([[0n, OKAY]])
  })

  it('a barrier waits for all before it, and all behind it wait for the barrier', async () => {
    await answers(
      { op: WRITE, segments: [{ ref: 1 }] },
      { op: READ, segments: [{ ref: 2 }] },
      { op: BARRIER, sector: 16, segments: [{ ref: 3 }] },
      { op: READ, sector: 16, segments: [{ ref: 4 }] },
      { op: BARRIER },
    )
    const kinds: string[] = []
    for (; disk.pending.length > 0; await bench.settle()) {
      kinds.push(disk.pending.map(({ kind }) => kind).join())
      disk.pending.at(-1)?.done()
    }
    expect(kinds).toEqual(['write,read', 'write', 'flush', 'write', 'flush', 'read', 'flush'])
    expect((await answers()).map(([id]) => id)).toEqual([1n, 0n, 2n, 3n, 4n])
  })
})

describe('events', () => {
  beforeEach(() => {
    bench.connect()
  })

  it('are one for the answers of a batch, and none for a front end that looks by itself', async () => {
    const batch = Array.from({ length: 20 }, (_, n): Asked => ({ op: READ, segments: [{ ref: n }] }))
    expect(await answers(...batch)).toHaveLength(20)
    expect(bench.events()).toBe(1)
    disk.instant = false
    await answers(...batch)
    for (const { done } of [...disk.pending]) done()
    await bench.settle()
    expect(bench.events()).toBe(2)
    // Its answers were not taken: it has asked for no event.
    disk.instant = true
    bench.ring.write({ op: READ, segments: [{ ref: 1 }] })
    bench.ring.show()
    await bench.kick()
    await bench.settle()
    expect(bench.events()).toBe(2)
  })

  it('are not asked for at once while several requests are under way: it looks by itself, for a while', async () => {
    disk.instant = false
    for (const ref of [4, 1]) bench.ring.write({ op: READ, segments: [{ ref }] })
    bench.ring.show()
    await bench.kick()
    bench.ring.write({ op: READ, segments: [{ ref: 2 }] })
    expect(bench.ring.show()).toBe(false)
    await bench.settle()
    expect(disk.pending).toHaveLength(3)
    for (let more = 0; more < 5; more++) await bench.settle()
    bench.ring.write({ op: READ, segments: [{ ref: 3 }] })
    expect(bench.ring.show()).toBe(true)
    await bench.kick()
    expect(disk.pending).toHaveLength(4)
    // Nothing is under way any more: an event is asked for with the next.
    for (const { done } of [...disk.pending]) done()
    for (let more = 0; more < 5; more++) await bench.settle()
    bench.ring.write({ op: READ, segments: [{ ref: 1 }] })
    expect(bench.ring.show()).toBe(true)
  })

  it('are asked for with the next request, not with one that was seen', async () => {
    await answers()
    expect(bench.ring.show()).toBe(false)
    bench.ring.write({ op: READ, segments: [{ ref: 1 }] })
    expect(bench.ring.show()).toBe(true)
  })
})

describe('grants that stay mapped', () => {
  it('are those of a front end that allows it, until it disconnects', async () => {
    bench.connect({ persistent: true })
    for (let round = 0; round < 3; round++) {
      for (let ref = 0; ref < 10; ref++)
        expect(await status({ op: READ, sector: round, segments: [{ ref }] })).toBe(OKAY)
    }
    expect(Array.from({ length: 11 }, (_, ref) => bench.guest.uses(ref))).toEqual([...Array(10).fill(1), 0])
    expect(bench.backend.facts().persistentGrants).toBe(10)
    await bench.backend.disconnect()
    expect(bench.guest.allUses).toBe(0)
  })

  it('are bounded, and the others used nevertheless', async () => {
    bench.connect({ persistent: true })
    for (let ref = 3000; ref < 4100; ref++) bench.guest.grant(ref, ref % 512)
    for (let ref = 3000; ref < 4100; ref += 10) {
      const segments = Array.from({ length: 10 }, (_, n) => ({ ref: ref + n }))
      expect(await status({ op: READ, sector: 0, segments })).toBe(OKAY)
    }
    expect(bench.backend.facts().persistentGrants).toBe(1056)
    expect(bench.guest.allUses).toBe(1057)
  })
})

describe('what the storage cannot do', () => {
  beforeEach(() => {
    bench.connect()
    disk.instant = false
  })

  it('is an error to the guest, and one line for the operator', async () => {
    await answers(
      { op: READ, segments: [{ ref: 1 }] },
      { op: WRITE, segments: [{ ref: 2 }] },
      { op: WRITE, segments: [{ ref: 3 }] },
    )
    for (const { fail } of [...disk.pending]) fail()
    await bench.settle()
    expect(bench.ring.answers().map(({ status: code }) => code)).toEqual([ERROR, ERROR, ERROR])
    expect(bench.guest.warnings).toEqual([
      'a read failed: scripted: it is broken; the guest gets an input/output error',
    ])
    // Some of it may have landed.
    expect(bench.guest.written).toEqual(['1: 0 + 4096'])
    expect(bench.guest.allUses).toBe(1)
    expect(bench.backend.facts().failures).toBe(3)
  })

  it('is "not supported" where it never will', async () => {
    await answers({ op: DISCARD, sectors: 8 })
    disk.pending[0]?.fail(new DiskError('DISK_UNSUPPORTED', 'scripted', 'it cannot'))
    expect(await answers()).toEqual([[0n, UNSUPPORTED]])
  })

  it('a disk that is read-only is not written', async () => {
    disk = new ScriptedDisk(SIZE, { readonly: true, discards: true })
    bench = new DeviceBench(disk)
    expect(bench.connect()).toMatchObject({
      info: 4,
      'feature-flush-cache': 0,
      'feature-barrier': 0,
      'feature-discard': 0,
    })
    expect(await status({ op: READ, segments: [{ ref: 1 }] })).toBe(OKAY)
    for (const op of [WRITE, BARRIER, DISCARD])
      expect(await status({ op, sectors: 8, segments: [{ ref: 1 }] })).toBe(ERROR)
  })

  it('an empty tray has no sectors, and answers', async () => {
    bench = new DeviceBench(undefined)
    expect(bench.connect()).toMatchObject({ sectors: 0, info: 7 })
    for (const op of [READ, WRITE, FLUSH]) expect(await status({ op, segments: [{ ref: 1 }] })).toBe(ERROR)
    expect(bench.guest.warnings).toEqual([])
  })
})

describe('the end of a connection', () => {
  beforeEach(() => {
    bench.connect({ persistent: true })
    disk.instant = false
  })

  it('waits for what is under way, with its grants in use, and takes nothing more', async () => {
    await answers({ op: READ, segments: [{ ref: 1 }] }, { op: BARRIER }, { op: READ, segments: [{ ref: 2 }] })
    let isOver = false
    const over = bench.backend.disconnect().then(() => {
      isOver = true
    })
    await bench.settle()
    expect([isOver, bench.guest.uses(1)]).toEqual([false, 1])
    disk.pending[0]?.done()
    await bench.settle()
    expect(isOver).toBe(false)
    disk.pending[0]?.done()
    await over
    expect(bench.guest.allUses).toBe(0)
    expect(disk.pending).toEqual([])
  })

  it('does not wait for storage when the domain is destroyed', async () => {
    await answers({ op: READ, segments: [{ ref: 1 }] }, { op: BARRIER })
    bench.backend.abort()
    await bench.backend.disconnect()
    await bench.backend.close()
    expect(bench.guest.allUses).toBe(0)
    expect(disk.closed).toBe(true)
    expect(bench.guest.warnings).toEqual([])
  })

  it('may be followed by another connection', async () => {
    disk.instant = true
    await answers({ op: READ, segments: [{ ref: 1 }] })
    await bench.backend.disconnect()
    bench.connect()
    expect(await status({ op: READ, segments: [{ ref: 1 }] })).toBe(OKAY)
  })
})

it('a disk that grows is announced to the guest', () => {
  bench.connect()
  disk.grow(2 * SIZE)
  expect(bench.guest.back.get('sectors')).toBe(String((2 * SIZE) / 512))
  expect(bench.guest.announced).toBe(1)
})

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
