import { describe, expect, test } from 'vitest'
import { readGrubLegacy } from '../../apps/xend/src/bootloader/grub-legacy.ts'
import { partitionTable } from '../../apps/xend/src/disk-image/partitions.ts'
import { parsePvKernel } from '../../libs/core/src/builder/pv-image.ts'
import { unxz } from '../../libs/core/src/builder/unpack/xz.ts'
import { PvConsole } from '../../libs/core/src/console/pv-console.ts'
import { CHANNEL, DOMAIN } from '../../libs/core/src/domain/domain-state.ts'
import { decode, isFault } from '../../libs/cpu-x86/src/decode/decoder.ts'
import { bounce } from '../../libs/cpu-x86/src/pv/bounce-frame.ts'
import { REF_COUNT } from '../../libs/cpu-x86/src/pv/mmu/page-info.ts'
import { readRflags, writeRflags } from '../../libs/cpu-x86/src/state/rflags.ts'
import { readReplies } from '../../libs/dev-blk/src/storage/nbd/replies.ts'
import { Bridge } from '../../libs/dev-net/src/switch/bridge.ts'
import { totalsTable } from '../fuzz/log.ts'
import { Random } from '../fuzz/random.ts'
import { failureOf, runTarget } from '../fuzz/run-target.ts'
import { shrink } from '../fuzz/shrink.ts'
import type { Target } from '../fuzz/target.ts'
import { blkbackTarget } from '../fuzz/targets/blkback.ts'
import { bootMenusTarget } from '../fuzz/targets/boot-menus.ts'
import { configTarget, readFuzzed } from '../fuzz/targets/config.ts'
import { consoleTarget } from '../fuzz/targets/console.ts'
import { decoderTarget } from '../fuzz/targets/decoder.ts'
import { framesTarget } from '../fuzz/targets/frames.ts'
import { hypercallsTarget } from '../fuzz/targets/hypercalls.ts'
import { imagesTarget } from '../fuzz/targets/images.ts'
import { mmuTarget } from '../fuzz/targets/mmu.ts'
import { nbdTarget } from '../fuzz/targets/nbd.ts'
import { netbackTarget } from '../fuzz/targets/netback.ts'
import { partitionsTarget } from '../fuzz/targets/partitions.ts'
import { switchTarget } from '../fuzz/targets/switch.ts'
import { TIER_WAYS, tiersTarget } from '../fuzz/targets/tiers.ts'
import { unpackTarget } from '../fuzz/targets/unpack.ts'
import { xenstoreTarget } from '../fuzz/targets/xenstore.ts'
import { xenstoreSocketTarget } from '../fuzz/targets/xenstore-socket.ts'
import { TARGETS } from '../fuzz/targets.ts'

const SEED = 2026

/** Inputs of each target: a second or two. The kernel in the cache is not for a test: there need be none. */
const INPUTS: Readonly<Record<string, number>> = {
  decoder: 250_000,
  tiers: 4000,
  hypercalls: 20_000,
  mmu: 30_000,
  frames: 20_000,
  console: 60_000,
  xenstore: 15_000,
  'xenstore-socket': 10_000,
  images: 6000,
  unpack: 1200,
  config: 20_000,
  'boot-menus': 20_000,
  partitions: 20_000,
  nbd: 20_000,
  switch: 10_000,
  netback: 150_000,
  blkback: 20_000,
}

describe('fuzzing for a moment finds nothing in', () => {
  test.each(TARGETS.filter(({ name }) => name !== 'kernel'))('$name', async (target) => {
    const { failures, inputs } = await runTarget(target, SEED, { inputs: INPUTS[target.name] })
    expect(failures).toEqual([])
    expect(inputs).toBeGreaterThanOrEqual(INPUTS[target.name]!)
  })
})

/** A target with a fault planted in it, the inputs in which it must be found, and what is said of it. */
const PLANTED: readonly (readonly [what: string, target: Target, inputs: number, said: RegExp])[] = [
  [
    'a decoder that knows one instruction too few',
    decoderTarget((...args) => {
      const answer = decode(...args)
      return !isFault(answer) && answer.row.name === 'bswap' ? { fault: 'invalid' } : answer
    }),
    200_000,
    /invalid \| \d+: bswap/,
  ],
  [
    'a decoder that looks at the byte behind the instruction',
    decoderTarget((bytes, offset, end, mode) => {
      const answer = decode(bytes, offset, end, mode)
      if (isFault(answer) || answer.row.name !== 'nop') return answer
      return { ...answer, lock: bytes[offset + answer.length] === 0 }
    }),
    400_000,
    /depends on more than its/,
  ],
  [
    'a tier that loses the carry flag',
    tiersTarget([
      TIER_WAYS[0]!,
      {
        name: 'a wrong tier',
        regionThreshold: 0,
        run(machine) {
          const stop = TIER_WAYS[0]!.run(machine)
          machine.state = { rflags: machine.state.rflags & ~1n }
          return stop
        },
      },
    ]),
    3000,
    /a wrong tier: rflags/,
  ],
  [
    'a hypercall that counts a page too many',
    hypercallsTarget((_, { state }, { nr }) => {
      if (nr === 12) DOMAIN.totPages.add(state.memory, 0, 1)
    }),
    20_000,
    /pages are counted wrong/,
  ],
  [
    'a hypercall that leaves one end of a channel',
    hypercallsTarget((_, { state }, { nr }) => {
      if (nr === 32) CHANNEL.binding.store(state.memory, state.channel(1), 0)
    }),
    20_000,
    /VIRQ \d+ has a port of another/,
  ],
  [
    'a hypercall that touches another domain',
    hypercallsTarget((machine, _, { nr }) => {
      if (nr === 20) DOMAIN.timeOffset.store(machine.domains.get(3)!.state.memory, 0, 1n)
    }),
    20_000,
    /a guest that did nothing was changed/,
  ],
  [
    'a switch that forgets in which VLAN a frame is',
    switchTarget((time) => {
      const bridge = new Bridge(time)
      const forward = bridge.forward.bind(bridge)
      bridge.forward = (from, frame, _, to, now) => forward(from, frame, 0, to, now)
      return bridge
    }),
    5000,
    /a frame came out of its VLAN|a frame has a wrong tag/,
  ],
  [
    'a page reference that leaks',
    mmuTarget(({ mmu: { info } }, nr, result) => {
      if (nr === 14 && result === 0) info.i32[info.record(7) + REF_COUNT]!++
    }),
    40_000,
    /frame 7 is type/,
  ],
  [
    'an entry that pushes another R11',
    framesTarget((domid, vcpu, memory, mask, to) => {
      vcpu.setGpr(11, 0n)
      bounce(domid, vcpu, memory, mask, to)
    }),
    5000,
    /a bounce frame comes back as/,
  ],
  [
    'an entry that keeps the trap flag',
    framesTarget((domid, vcpu, memory, mask, to) => {
      bounce(domid, vcpu, memory, mask, to)
      writeRflags(vcpu, readRflags(vcpu) | 0x100n)
    }),
    5000,
    /an entry with flags that are cleared/,
  ],
  [
    'a console that loses a byte where the ring wraps',
    consoleTarget(
      (page, notify, listener) =>
        new PvConsole(page, notify, {
          output: (bytes) => listener.output(bytes.length > 2000 ? bytes.subarray(1) : bytes),
        }),
    ),
    40_000,
    /bytes came out/,
  ],
  [
    'a store that removes nothing',
    xenstoreTarget((apply, request) => (request.op === 'rm' ? { kind: 'ok' } : apply(request))),
    5000,
    /not "|has \d+ children|miscounted/,
  ],
  [
    'a page that cannot be mapped and says so with an exception',
    xenstoreSocketTarget(() => {
      throw new Error('no such page')
    }),
    100_000,
    /no such page/,
  ],
  [
    'a store that forgets the end of a value',
    xenstoreTarget((apply, request) =>
      apply(request.op === 'write' ? { ...request, value: request.value.slice(0, 8) } : request),
    ),
    5000,
    /read .*not|a value is not the one written/,
  ],
  [
    'a kernel reader that trips over one segment',
    imagesTarget((file, name) => {
      const image = parsePvKernel(file, name)
      return image.segments.length === 2 ? image : { ...image, segments: [image.segments[1]!] }
    }),
    2000,
    /TypeError/,
  ],
  [
    'an unpacker that gives more than it may',
    unpackTarget((packed, maxBytes) => {
      unxz(packed, maxBytes)
      return new Uint8Array(maxBytes + 1)
    }),
    2000,
    /xz: 65537 bytes came out/,
  ],
  [
    'an unpacker that throws what it likes',
    unpackTarget((packed, maxBytes) => {
      if (packed.length % 5 === 0) throw new RangeError('offset out of bounds')
      return unxz(packed, maxBytes)
    }),
    2000,
    /RangeError/,
  ],
  [
    'a config parser that runs out of stack',
    configTarget((text, file) => {
      if (text.includes('[[[[[[[[[[')) throw new RangeError('Maximum call stack size exceeded')
      return readFuzzed(text, file)
    }),
    20_000,
    /RangeError/,
  ],
  [
    'a menu whose default is not in it',
    bootMenusTarget([(text) => ({ ...readGrubLegacy(text), default: 1 })]),
    20_000,
    /has no entry/,
  ],
  [
    'a reader of partitions that believes their sizes',
    partitionsTarget(function* (size) {
      const table = yield* partitionTable(size)
      return table && { ...table, partitions: table.partitions.map((each) => ({ ...each, size: each.size * 4 })) }
    }),
    20_000,
    /is not on the disk/,
  ],
  [
    'a back end that keeps a grant in use',
    netbackTarget((guest) => void guest.holdGrant(40, true)),
    5000,
    /a grant is still in use/,
  ],
  [
    'a back end that writes where it was let read',
    netbackTarget((guest) => void guest.page(22).bytes.fill(1, 4000)),
    5000,
    /was written, which was not granted/,
  ],
  [
    'a back end that goes on with a front end that it has cut off',
    netbackTarget((guest) => void guest.mapGrant(41, true), 'act'),
    50_000,
    /is not left alone/,
  ],
  [
    'a client that takes a read for done too early',
    nbdTarget(function* (structured, sent) {
      const early: typeof sent = {
        find: (cookie) => {
          const request = sent.find(cookie)
          if (request?.command === 0 && request.covered !== undefined) request.covered.isWhole = () => true
          return request
        },
        done: sent.done,
      }
      yield* readReplies(structured, early)
    }),
    20_000,
    /a read is done without its byte/,
  ],
  [
    'a grant that a back end of disks keeps',
    blkbackTarget((guest) => void guest.holdGrant(32, true)),
    200,
    /a grant is still in use/,
  ],
  [
    'a page that a back end of disks writes without a grant',
    blkbackTarget((guest) => void guest.page(22).bytes.fill(1, 5, 6)),
    200,
    /was written, which was not granted/,
  ],
]

describe('a planted fault is found, and found again:', () => {
  test.each(PLANTED)('%s', async (_, target, inputs, said) => {
    const [failure] = (await runTarget(target, SEED, { inputs, failures: 1 })).failures
    expect(failure?.what).toMatch(said)
    const { seed, cases, smallest } = failure!
    expect((await runTarget(target, seed, { only: cases })).failures[0]?.what).toBe(failure!.what)
    expect(await failureOf(target, Buffer.from(smallest!, 'hex'))).toMatch(said)
  })
})

describe('a case', () => {
  test('is the same for the same seed and number, whatever came before it', () => {
    for (const target of TARGETS.filter(({ missing }) => missing === undefined)) {
      const judge = target.open()
      const make = () => Buffer.from(judge.make(new Random(7, 11))).toString('hex')
      const first = make()
      judge.make(new Random(7, 12))
      expect(make(), target.name).toBe(first)
      expect(Buffer.from(judge.make(new Random(8, 11))).toString('hex'), target.name).not.toBe(first)
    }
  })

  test('is shrunk to what makes it fail', async () => {
    const bytes = new Random(1, 1).fill(new Uint8Array(256))
    bytes.set([0x9c, 0x77], 132)
    const fails = (candidate: Uint8Array) => {
      const at = candidate.indexOf(0x9c)
      return at >= 0 && (candidate[at + 1] ?? 0) > 0x20
    }
    expect([...(await shrink(bytes, 1, fails))]).toEqual([0x9c, 0x21])
    // What belongs together stays so.
    const slot = [0, 0, 0, 0, 0x9c, 0x21, ...new Array<number>(10).fill(0)]
    expect([...(await shrink(bytes, 16, fails))]).toEqual(slot)
  })
})

test('the table of totals adds up the runs of each target', () => {
  const run = { date: '2026-11-21', machine: 'm', node: 'v24', commit: 'c', seed: 1, findings: 0 }
  const runs = [
    { ...run, target: 'decoder', inputs: 1_000_000, seconds: 3600 },
    { ...run, target: 'mmu', inputs: 5, seconds: 36, findings: 2 },
    { ...run, target: 'decoder', seed: 2, inputs: 234_567, seconds: 1800 },
  ]
  const cells = totalsTable(runs)
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
  expect(cells.slice(2).map((row) => row.slice(1, -1))).toEqual([
    ['decoder', '1,234,567', '1.50', '0', '1, 2'],
    ['mmu', '5', '0.01', '2', '1'],
    ['all', '1,234,572', '1.51', '2', ''],
  ])
})
