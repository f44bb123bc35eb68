import {
  EAGAIN,
  EBUSY,
  EINVAL,
  MMU_PT_UPDATE_PRESERVE_AD,
  MMUEXT_PIN_L1_TABLE,
  MMUEXT_PIN_L4_TABLE,
} from '@paravane/core/abi'
import { describe, expect, it } from 'vitest'
import { adoptBuiltDomain } from '../../src/pv/mmu/domain-frames.ts'
import { emulatePteWrite } from '../../src/pv/mmu/emulate-pte-write.ts'
import { domainFrames } from '../../src/pv/mmu/frame-owner.ts'
import { gdtFrame, updateDescriptor } from '../../src/pv/mmu/gdt.ts'
import { kernelRoot } from '../../src/pv/mmu/roots.ts'
import { P, RW, SmallDomain } from './small-domain.ts'

const A = 0x20
const D = 0x40
const frame = (gmfn: number, flags: number) => (gmfn << 12) | flags

/** L4 to L1 in frames 1 to 4, adopted; address 0 is frame 10, writable. */
function builtDomain(): SmallDomain {
  const domain = new SmallDomain()
  domain.buildTree(1, [
    [10, P | RW],
    [4, P],
  ])
  expect(
    adoptBuiltDomain(
      domain.mmu,
      1,
      Array.from({ length: 59 }, (_, i) => i + 1),
    ),
  ).toBe(0)
  return domain
}

describe('a domain just built', () => {
  it('has its root pinned and in use', () => {
    const domain = builtDomain()
    expect(kernelRoot(domain.mmu, 0)).toBe(1)
    expect([1, 2, 4, 10, 11].map((gmfn) => domain.counts(gmfn))).toEqual([
      [4, 2, 3],
      [3, 1, 2],
      [1, 1, 3],
      [7, 1, 2],
      [0, 0, 1],
    ])
  })

  it('is refused if its tables are mapped writable', () => {
    const domain = new SmallDomain()
    domain.buildTree(1, [[4, P | RW]])
    expect(adoptBuiltDomain(domain.mmu, 1, [1, 2, 3, 4])).toBe(-EBUSY)
  })

  it('has nothing of its own where the hypervisor’s L4 slots are', () => {
    const domain = new SmallDomain()
    domain.buildTree(1, [])
    for (const slot of [256, 271]) domain.poke(1, slot, 50, P | RW)
    for (const slot of [255, 272]) domain.poke(1, slot, 2, P | RW)
    expect(adoptBuiltDomain(domain.mmu, 1, [1, 2, 3, 4])).toBe(0)
    expect([255, 256, 271, 272].map((slot) => domain.entry(1, slot)[0] & P)).toEqual([P, 0, 0, P])
  })
})

describe('accessed and dirty bits', () => {
  it.each([
    ['are overwritten by an ordinary update', 0, 0],
    ['stay where that is asked for', MMU_PT_UPDATE_PRESERVE_AD, A | D],
  ])('%s', (_what, command, kept) => {
    const domain = builtDomain()
    domain.poke(4, 0, 10, P | RW | A | D)
    expect(domain.mmuUpdate([[4 * 4096 + command, frame(11, P | RW)]])).toBe(0)
    expect(domain.entry(4, 0)[0]).toBe(frame(11, P | RW | kept))
  })
})

describe('a kernel’s own store into an L1 table', () => {
  const store = (domain: SmallDomain, offset: number, bytes: number[], old?: number[]) =>
    emulatePteWrite(domain.mmu, 4, offset, old && Uint8Array.from(old), Uint8Array.from(bytes))

  it('moves references as mmu_update does', () => {
    const domain = builtDomain()
    expect(store(domain, 0, [0x21, 0xb0, 0, 0, 0, 0, 0, 0x80])).toBe(0)
    expect(domain.entry(4, 0)).toEqual([frame(11, P | A), 0x80000000 | 0])
    expect([domain.counts(10), domain.counts(11)]).toEqual([
      [7, 0, 1],
      [0, 0, 2],
    ])
  })

  it('changes only the bytes stored', () => {
    const domain = builtDomain()
    domain.poke(4, 0, 10, P | RW | A | D, 0x80000000 | 0)
    expect(store(domain, 0, [0x65])).toBe(0)
    expect(domain.entry(4, 0)).toEqual([frame(10, P | 4 | A | D), 0x80000000 | 0])
    expect(domain.counts(10)).toEqual([7, 0, 2])
  })

  it('is run again if a locked instruction’s entry has changed under it', () => {
    const domain = builtDomain()
    expect(store(domain, 0, [0x01, 0xa0], [0x23, 0xa0])).toBe(-EAGAIN)
    expect(store(domain, 0, [0x01, 0xa0], [0x03, 0xa0])).toBe(0)
    expect(domain.counts(10)).toEqual([7, 0, 2])
  })

  it.each([
    ['across entries', 4, 8],
    ['misaligned', 1, 2],
    ['of 3 bytes', 0, 3],
    ['of 16 bytes', 0, 16],
    ['of nothing', 0, 0],
    ['past the frame', 4096, 8],
  ])('faults when it is %s', (_what, offset, size) => {
    expect(store(builtDomain(), offset, new Array(size).fill(0))).toBe(-EINVAL)
  })

  it.each([2, 10, 12, 63, -1, 2 ** 20])('faults in frame %i, which is no L1 table', (gmfn) => {
    expect(emulatePteWrite(builtDomain().mmu, gmfn, 0, undefined, new Uint8Array(8))).toBe(-EINVAL)
  })
})

describe('what may be stale', () => {
  it('writes are revoked before a page that was writable becomes a table, once', () => {
    const domain = builtDomain()
    expect(domain.mapVa(0n, 0)).toBe(0)
    expect(domain.mmuext(MMUEXT_PIN_L1_TABLE, 10)).toBe(0)
    expect(domain.mmuext(4, 10)).toBe(0)
    expect(domain.mmuext(MMUEXT_PIN_L1_TABLE, 10)).toBe(0)
    expect(domain.asked).toEqual(['revoke-writes 10'])
  })

  it('nothing is asked for after a flush everywhere', () => {
    const domain = builtDomain()
    expect(domain.mapVa(0n, 0, 1 | 4)).toBe(0)
    expect(domain.mmuext(MMUEXT_PIN_L1_TABLE, 10)).toBe(0)
    expect(domain.asked).toEqual(['0: flush all'])
  })

  it('nothing is asked for a page that was never writable', () => {
    const domain = builtDomain()
    expect(domain.mmuext(MMUEXT_PIN_L4_TABLE, 20)).toBe(0)
    expect(domain.asked).toEqual([])
  })

  it('walks end before a table becomes a writable page', () => {
    const domain = builtDomain()
    expect([domain.mmuext(0, 20), domain.mmuext(4, 20), domain.mapVa(0x5000n, frame(20, P | RW))]).toEqual([0, 0, 0])
    expect(domain.asked).toEqual(['end-walks 20'])
  })

  it('update_va_mapping flushes what it was asked to', () => {
    const domain = builtDomain()
    domain.guest.bytes[0x4000] = 2
    const flags = [0n, 1n, 2n, 2n | 4n, 2n | 0x4000n, 3n | 4n]
    for (const flag of flags) expect(domain.mapVa(0x5000n, frame(11, P), flag, 0)).toBe(0)
    expect(domain.asked).toEqual([
      '0: flush local',
      '0: flush page 5000 local',
      '0: flush page 5000 all',
      '0: flush page 5000 vcpus 2',
    ])
  })
})

describe('descriptor tables', () => {
  it('are made fit for CPL 3', () => {
    const domain = builtDomain()
    const descriptors: [lo: number, hi: number][] = [
      [0x0000ffff, 0x00af9a00],
      [0x0000ffff, 0x00cff200],
      [0xe0330000, 0x0000ec00],
      [0, 0x00000200],
      [0, 0],
    ]
    descriptors.forEach(([lo, hi], i) => {
      const words = new Int32Array(domain.memory.buffer, domain.host(12) + i * 8, 2)
      words.set([lo, hi])
    })
    expect(domain.setGdt([12], 5)).toBe(0)
    expect(descriptors.map((_, i) => domain.entry(12, i).map((word) => word >>> 0))).toEqual([
      [0x0000ffff, 0x00affa00],
      [0x0000ffff, 0x00cff200],
      [0xe0330000, 0x00008c00],
      [0, 0x00000200],
      [0, 0],
    ])
    expect([gdtFrame(domain.mmu, 0, 0), gdtFrame(domain.mmu, 0, 1), gdtFrame(domain.mmu, 1, 0)]).toEqual([12, -1, -1])
  })

  it('are refused whole for one bad descriptor, and the old one stays', () => {
    const domain = builtDomain()
    expect(domain.setGdt([13], 1)).toBe(0)
    new Int32Array(domain.memory.buffer, domain.host(12), 1024)[1023] = 0x00008900
    expect(domain.setGdt([14, 12], 1024)).toBe(-EINVAL)
    expect([12, 13, 14].map((gmfn) => domain.counts(gmfn).slice(1))).toEqual([
      [0, 1],
      [1, 2],
      [0, 1],
    ])
  })

  it('take single descriptors, fixed in the same way', () => {
    const domain = builtDomain()
    expect(domain.setGdt([12], 512)).toBe(0)
    domain.mmu.types.startStretch()
    expect(updateDescriptor(domain.mmu, (12 << 12) | 16, 0, 0xffff, 0x00af9b00)).toBe(0)
    expect(domain.entry(12, 2)).toEqual([0xffff, 0x00affb00])
    expect(domain.counts(12)).toEqual([5, 1, 2])
  })
})

describe('frames as core asks for them', () => {
  it('come with their M2P entry and go only when nothing uses them', () => {
    const domain = builtDomain()
    const free = [60, 61]
    const frames = domainFrames(domain.mmu, {
      hasRoom: () => true,
      allocate: () => free.pop() ?? -1,
      allocateShared: () => free.pop() ?? -1,
      free: (gmfn) => free.push(gmfn),
    })
    const page = frames.populate(77)
    const shared = frames.allocateShared()
    expect([page, shared, frames.populate(78), domain.m2p(page), domain.m2p(shared)]).toEqual([61, 60, -1, 77, -2])
    expect(frames.get(page, true)).toBe(true)
    expect([frames.release(page), domain.mmuext(0, page)]).toEqual([false, -EINVAL])
    frames.put(page, true)
    expect(domain.mapVa(0x5000n, frame(page, P))).toBe(0)
    expect(frames.release(page)).toBe(false)
    expect(domain.mapVa(0x5000n, 0)).toBe(0)
    expect([frames.release(page), frames.release(page), frames.release(shared)]).toEqual([true, false, false])
    expect([free, domain.m2p(page), domain.asked.at(-1)]).toEqual([[61], -1, 'unmap 61'])
    expect([frames.get(page, false), frames.get(4, true), frames.get(4, false)]).toEqual([false, false, true])
  })

  it('are zeroed and copied by the guest’s wish', () => {
    const domain = builtDomain()
    domain.poke(12, 5, 1, 0x123)
    expect([domain.mmuext(17, 13, 12), domain.entry(13, 5)[0]]).toEqual([0, 0x1123])
    expect([domain.mmuext(16, 13), domain.entry(13, 5)[0]]).toEqual([0, 0])
  })
})
