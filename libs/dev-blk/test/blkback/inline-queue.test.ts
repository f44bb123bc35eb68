import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Disk, InlineOffer, InlineService } from '@paravane/core'
import {
  BLKIF_OP_DISCARD,
  BLKIF_OP_FLUSH_DISKCACHE,
  BLKIF_OP_READ,
  BLKIF_OP_WRITE,
  BLKIF_RSP_ERROR,
} from '@paravane/core/abi'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type InlineRing, inlineQueues } from '../../src/blkback/inline-queue.ts'
import { QueueState } from '../../src/blkback/queue-state.ts'
import { fileDriver } from '../../src/storage/file-driver.ts'
import { HostLocks } from '../../src/storage/host-locks.ts'
import { DeviceBench, PORT, RING_PAGE } from './device-bench.ts'
import type { Asked } from './front-ring.ts'
import { ScriptedDisk } from './scripted-disk.ts'

const SIZE = 1 << 20
const [READ, WRITE, FLUSH, DISCARD] = [BLKIF_OP_READ, BLKIF_OP_WRITE, BLKIF_OP_FLUSH_DISKCACHE, BLKIF_OP_DISCARD]

let folder: string
let path: string
let disk: Disk
let bench: DeviceBench
/** Of each pCPU. */
let services: readonly InlineService[]
/** ns. */
let now: bigint
let perCall: bigint
let meanwhile: () => void

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'inline-'))
  path = join(folder, 'disk')
  writeFileSync(
    path,
    Uint8Array.from({ length: SIZE }, (_, at) => (at >> 9) + at),
  )
  disk = await opened()
  await connect(disk)
})

afterEach(async () => {
  await bench.backend.close()
  rmSync(folder, { recursive: true })
})

const opened = (readonly = false): Promise<Disk> =>
  fileDriver({ locks: new HostLocks() }).open({ target: path, readonly })

async function connect(behind: Disk): Promise<void> {
  bench = new DeviceBench(behind)
  bench.connect()
  await bench.settle()
  ;[now, perCall] = [0n, 100n]
  meanwhile = () => {}
  services = [0, 1].map((pcpu) => {
    const offer = bench.guest.offers.get(PORT)
    expect(offer?.part).toBe('vbd')
    // It is read with the ring held.
    const clock = (): bigint => {
      meanwhile()
      now += perCall
      return now
    }
    return inlineQueues.open(offer?.shared, bench.guest.inlineHost(PORT, pcpu, clock))
  })
}

/** What the guest's hypercall does: domain 0 is told only if the pCPU does not do it. @returns whether it was told */
function send(pcpu: number = 0): boolean {
  if (services[pcpu]?.serve()) return false
  void bench.kick()
  return true
}

/** @returns whether domain 0 was told, and the statuses of the answers that are there at once */
function ask(...requests: readonly Asked[]): readonly [boolean, ...(readonly number[])] {
  for (const request of requests) bench.ring.write(request)
  bench.ring.show()
  return [send(), ...bench.ring.answers().map(({ status }) => status)]
}

/** What the memory's owner was told of, besides the ring itself. */
const written = (): readonly string[] => bench.guest.written.filter((text) => !text.startsWith(`${RING_PAGE}:`))

async function later(): Promise<readonly number[]> {
  for (let turn = 0; turn < 20; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    const answers = bench.ring.answers()
    if (answers.length > 0) return answers.map(({ status }) => status)
  }
  return []
}

describe('a pCPU does by itself', () => {
  it("a read, from the file to the guest's pages", () => {
    expect(ask({ op: READ, sector: 17, segments: [{ ref: 3 }, { ref: 9, first: 2, last: 2 }] })).toEqual([false, 0])
    const from = 17 * 512
    const file = readFileSync(path)
    expect(Buffer.compare(bench.guest.page(3), file.subarray(from, from + 4096))).toBe(0)
    expect(Buffer.compare(bench.guest.page(9).subarray(1024, 1536), file.subarray(from + 4096, from + 4608))).toBe(0)
    expect(written()).toEqual(['3: 0 + 4096', '9: 1024 + 512'])
    expect([bench.events(), bench.guest.allUses]).toEqual([1, 1])
  })

  it('a write', () => {
    bench.guest.page(5).fill(0x55)
    expect(ask({ op: WRITE, sector: 8, segments: [{ ref: 5, first: 7, last: 7 }] })).toEqual([false, 0])
    expect(
      readFileSync(path)
        .subarray(4096, 4608)
        .every((byte) => byte === 0x55),
    ).toBe(true)
    expect(written()).toEqual([])
    expect(bench.guest.allUses).toBe(1)
  })

  it('several requests with one event, and is told of the next', () => {
    const reads = [1, 2, 3].map((ref): Asked => ({ op: READ, sector: ref, segments: [{ ref }] }))
    expect(ask(...reads)).toEqual([false, 0, 0, 0])
    expect(bench.events()).toBe(1)
    bench.ring.write({ op: READ, segments: [{ ref: 1 }] })
    expect(bench.ring.show()).toBe(true)
    expect(send(1)).toBe(false)
    expect(bench.backend.facts()).toMatchObject({ reads: 4, bytesRead: 4 * 4096, writes: 0 })
  })
})

describe('a pCPU leaves to domain 0', () => {
  const nine = Array.from({ length: 9 }, (_, ref) => ({ ref }))
  it.each<readonly [string, Asked, number]>([
    ['a flush', { op: FLUSH }, 0],
    ['a discard', { op: DISCARD, sector: 8, sectors: 8 }, 0],
    ['what is large', { op: READ, segments: nine }, 0],
    ['what has its segments elsewhere', { op: WRITE, segments: nine, indirect: [{ ref: 20, page: 20 }] }, 0],
    ['what is granted to nobody', { op: READ, segments: [{ ref: 1 }, { ref: 999 }] }, BLKIF_RSP_ERROR],
    ['what is beyond the end', { op: READ, sector: SIZE / 512 - 7, segments: [{ ref: 1 }] }, BLKIF_RSP_ERROR],
    ['what has no segments', { op: WRITE }, BLKIF_RSP_ERROR],
  ])('%s, and what comes behind it', async (_, request, status) => {
    const behind: Asked = { op: READ, segments: [{ ref: 30 }] }
    const [isTold, ...first] = ask(behind, request, behind)
    const statuses = [...first, ...(await later()), ...(await later())]
    expect([isTold, statuses.sort()]).toEqual([true, [0, 0, status].sort()])
    expect(bench.guest.allUses).toBe(1)
    expect(bench.guest.warnings).toEqual([])
    expect(ask(behind)).toEqual([false, 0])
  })

  it('a file that has become slow, for twenty times as long', async () => {
    perCall = 3_000_000n
    expect(ask({ op: READ, segments: [{ ref: 1 }] })).toEqual([false, 0])
    perCall = 10_000_000n
    for (let times = 0; times < 5; times++) {
      expect(ask({ op: READ, segments: [{ ref: 1 }] })).toEqual([true])
      expect(await later()).toEqual([0])
    }
    expect(ask({ op: READ, segments: [{ ref: 1 }] })).toEqual([false, 0])
  })

  it('a file that ends before the disk does, which the operator is told', async () => {
    truncateSync(path, 8192)
    expect(ask({ op: READ, sector: 16, segments: [{ ref: 1 }] })).toEqual([true])
    expect(await later()).toEqual([BLKIF_RSP_ERROR])
    expect(bench.guest.warnings[0]).toContain('it ends before: it was made shorter')
    // Until it has worked for a while again: domain 0 sees that, and says so.
    expect(ask({ op: READ, segments: [{ ref: 1 }] })[0]).toBe(true)
  })

  it('writes to a disk that is read-only', async () => {
    await bench.backend.close()
    await connect(await opened(true))
    expect(ask({ op: READ, segments: [{ ref: 1 }] })).toEqual([false, 0])
    expect(ask({ op: WRITE, segments: [{ ref: 1 }] })).toEqual([true, BLKIF_RSP_ERROR])
  })

  it('disks that are no files', async () => {
    await connect(new ScriptedDisk(SIZE))
    expect(ask({ op: READ, segments: [{ ref: 1 }] })).toEqual([true])
  })

  it('a ring whose index is impossible', async () => {
    bench.ring.produced = 500
    bench.ring.show()
    expect(send()).toBe(true)
    await bench.settle()
    expect(bench.guest.faults).toEqual(['its ring says that there are more requests than it has room for'])
  })
})

describe('domain 0 and the pCPUs', () => {
  it('serve a ring one at a time: who comes too late leaves it to the other, who tells it', async () => {
    meanwhile = () => {
      meanwhile = () => {}
      expect(services[1]?.serve()).toBe(false)
      void bench.kick()
      expect(bench.ring.answers()).toEqual([])
    }
    bench.ring.ask({ op: READ, segments: [{ ref: 1 }] })
    expect(services[0]?.serve()).toBe(true)
    expect(bench.guest.tellings).toBe(1)
    expect(await later()).toEqual([0])
  })

  it('answer each what they have taken, in one ring', async () => {
    expect(ask({ op: READ, id: 1n, segments: [{ ref: 1 }] }, { op: FLUSH, id: 2n })).toEqual([true, 0])
    expect(ask({ op: READ, id: 3n, segments: [{ ref: 1 }] })).toEqual([false, 0])
    expect(await later()).toEqual([0])
  })

  it('let go of a file before it is closed', async () => {
    const offer = bench.guest.offers.get(PORT) as InlineOffer
    // Its lock is the first word: somebody is at work.
    const lock = new Int32Array((offer.shared as InlineRing).state)
    Atomics.store(lock, 0, 8)
    let isClosed = false
    const closing = disk.close().then(() => {
      isClosed = true
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(isClosed).toBe(false)
    Atomics.store(lock, 0, 0)
    await closing
    expect(ask({ op: READ, segments: [{ ref: 1 }] })).toEqual([true])
  })

  it('wait for a pCPU that hangs for some time only, and it begins nothing more', async () => {
    const offer = bench.guest.offers.get(PORT) as InlineOffer
    const { state } = offer.shared as InlineRing
    Atomics.store(new Int32Array(state), 0, 8)
    await new QueueState(9, state).close(20)
    Atomics.store(new Int32Array(state), 0, 0)
    expect(ask({ op: READ, segments: [{ ref: 1 }] })).toEqual([true])
  })

  it('a barrier, a change of the disk and the end are without the pCPUs', async () => {
    const other = new ScriptedDisk(SIZE)
    bench.others.set('file:/other', other)
    await bench.backend.reconfigure('file:/other,xvda,w')
    other.content.fill(0x66)
    expect(ask({ op: READ, segments: [{ ref: 1 }] })).toEqual([true])
    await bench.settle()
    expect(bench.guest.page(1).every((byte) => byte === 0x66)).toBe(true)
    await bench.backend.disconnect()
    expect(services[0]?.serve()).toBe(false)
    expect(bench.guest.allUses).toBe(0)
  })
})
