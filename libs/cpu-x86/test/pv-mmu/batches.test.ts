import { AbsentFrame, CONTINUE } from '@paravane/core'
import {
  EBUSY,
  EFAULT,
  MMUEXT_PIN_L1_TABLE,
  MMUEXT_PIN_L4_TABLE,
  MMUEXT_TLB_FLUSH_LOCAL,
  MMUEXT_UNPIN_TABLE,
} from '@paravane/core/abi'
import { expect, it } from 'vitest'
import { P, RW, SmallDomain } from './small-domain.ts'

const MMU_UPDATE = 1
const MMUEXT_OP = 26
const SELF = 0x7ff0
const L1 = 4
const DONE = 0x100

function domainWithL1(): SmallDomain {
  const domain = SmallDomain.populated()
  expect(domain.mmuext(MMUEXT_PIN_L1_TABLE, L1)).toBe(0)
  return domain
}

/** Requests that map frame 10 + i % 50 at slot i of the L1 table, from guest address 0x1000 on. */
function writeRequests(domain: SmallDomain, count: number): void {
  for (let i = 0; i < count; i++) {
    const request = [(L1 << 12) | ((i % 512) * 8), 0, ((10 + (i % 50)) << 12) | P, 0]
    domain.guest.words.set(request, (0x1000 + i * 16) / 4)
  }
}

const done = (domain: SmallDomain) => domain.guest.words[DONE / 4]

it('stops at the first failure and says how many were done', () => {
  const domain = domainWithL1()
  writeRequests(domain, 4)
  domain.guest.words[(0x1000 + 2 * 16 + 8) / 4] = (L1 << 12) | P | RW
  expect(domain.call(MMU_UPDATE, [0x1000, 4, DONE, SELF])).toBe(-EBUSY)
  expect(done(domain)).toBe(2)
  expect([0, 1, 2, 3].map((slot) => domain.entry(L1, slot)[0] & P)).toEqual([P, P, 0, 0])
})

it('does what it can read of an array, then answers -EFAULT', () => {
  const domain = domainWithL1()
  const end = domain.guest.bytes.length
  domain.guest.words.set([L1 << 12, 0, (10 << 12) | P, 0], (end - 16) / 4)
  expect(domain.call(MMU_UPDATE, [end - 16, 2, DONE, SELF])).toBe(-EFAULT)
  expect(done(domain)).toBe(1)
})

it('performs its rows where it cannot say how many, as Xen does', () => {
  const domain = domainWithL1()
  writeRequests(domain, 1)
  expect(domain.call(MMU_UPDATE, [0x1000, 1, 0x20_0000, SELF])).toBe(0)
})

it('carries on after a stretch with its arguments moved on', () => {
  const domain = domainWithL1()
  writeRequests(domain, 600)
  domain.args.fill([0x1000, 600, DONE, SELF])
  expect(domain.enter(MMU_UPDATE)).toBe(CONTINUE)
  expect(done(domain)).toBe(256)
  expect(domain.args.u64(0)).toBe(BigInt(0x1000 + 256 * 16))
  expect(domain.enter(MMU_UPDATE)).toBe(CONTINUE)
  expect(domain.enter(MMU_UPDATE)).toBe(0)
  expect(done(domain)).toBe(600)
})

it('never works longer than a stretch, whatever the count', () => {
  const domain = domainWithL1()
  for (let i = 0; i < 256; i++) domain.guest.words[(0x1000 + i * 24) / 4] = MMUEXT_TLB_FLUSH_LOCAL
  domain.args.fill([0x1000, 0x7fff_ffff, 0, SELF])
  expect(domain.enter(MMUEXT_OP)).toBe(CONTINUE)
  expect([domain.asked.length, domain.args.u32(1) & 0x7fff_ffff]).toEqual([256, 0x7fff_ffff - 256])
})

it('has nothing to do for no requests', () => {
  const domain = domainWithL1()
  domain.guest.words[DONE / 4] = 5
  expect(domain.call(MMU_UPDATE, [0, 0, DONE, SELF])).toBe(0)
  expect(done(domain)).toBe(0)
})

it('has no effect while its arguments are absent', () => {
  const domain = domainWithL1()
  writeRequests(domain, 2)
  for (const page of [0, 1]) {
    domain.guest.absent.add(page)
    domain.args.fill([0x1000, 2, DONE, SELF])
    expect(() => domain.enter(MMU_UPDATE)).toThrow(AbsentFrame)
    expect(domain.entry(L1, 0)).toEqual([0, 0])
    domain.guest.absent.clear()
  }
  expect(domain.enter(MMU_UPDATE)).toBe(0)
})

it('keeps its progress when a frame to be written is absent', () => {
  const domain = domainWithL1()
  writeRequests(domain, 2)
  domain.guest.words.set([12 << 12, 0, 1234, 0], (0x1000 + 16) / 4)
  domain.setAbsent(12, true)
  domain.args.fill([0x1000, 2, DONE, SELF])
  expect(domain.enter(MMU_UPDATE)).toBe(CONTINUE)
  expect(() => domain.enter(MMU_UPDATE)).toThrow(new AbsentFrame(12))
  domain.setAbsent(12, false)
  expect(domain.enter(MMU_UPDATE)).toBe(0)
  expect([domain.entry(12, 0)[0], done(domain)]).toEqual([1234, 2])
})

it('pins a tree whose tables come one by one', () => {
  const domain = SmallDomain.populated()
  domain.buildTree(1, [[10, P | RW]])
  for (const table of [1, 2, 3, 4]) domain.setAbsent(table, true)
  domain.guest.words.set([MMUEXT_PIN_L4_TABLE, 0, 1, 0, 0, 0], 0x2000 / 4)
  domain.args.fill([0x2000, 1, 0, SELF])
  for (const table of [1, 2, 3, 4]) {
    expect(() => domain.enter(MMUEXT_OP)).toThrow(new AbsentFrame(table))
    domain.setAbsent(table, false)
  }
  expect(domain.enter(MMUEXT_OP)).toBe(0)
  expect([1, 4, 10].map((gmfn) => domain.counts(gmfn))).toEqual([
    [4, 1, 2],
    [1, 1, 2],
    [7, 1, 2],
  ])
})

/** An L2 table in frame 3 over ten L1 tables from frame 20 on, each with a writable mapping of frame 10. */
function wideDomain(tablesPerStretch: number): SmallDomain {
  const domain = SmallDomain.populated(64, tablesPerStretch)
  for (let i = 0; i < 10; i++) {
    domain.poke(3, i * 3, 20 + i, P | RW)
    domain.poke(20 + i, i, 10, P | RW)
  }
  return domain
}

it('validates and lets go of a tree in stretches', () => {
  const domain = wideDomain(4)
  const [pin, unpin] = [1, MMUEXT_UNPIN_TABLE].map((cmd) => [cmd, 0, 3, 0, 0, 0])
  domain.guest.words.set(pin, 0x2000 / 4)
  domain.args.fill([0x2000, 1, 0, SELF])
  expect([1, 2, 3].map(() => domain.enter(MMUEXT_OP))).toEqual([CONTINUE, CONTINUE, 0])
  expect([domain.counts(3), domain.counts(29), domain.counts(10)]).toEqual([
    [2, 1, 2],
    [1, 1, 2],
    [7, 10, 11],
  ])

  domain.guest.words.set(unpin, 0x2000 / 4)
  domain.args.fill([0x2000, 1, 0, SELF])
  expect(domain.enter(MMUEXT_OP)).toBe(0)
  // Whatever is asked next, what is left of the tree goes first.
  domain.guest.words.set([MMUEXT_PIN_L1_TABLE, 0, 10, 0, 0, 0], 0x2000 / 4)
  domain.args.fill([0x2000, 1, 0, SELF])
  expect([1, 2].map(() => domain.enter(MMUEXT_OP))).toEqual([CONTINUE, 0])
  expect([domain.counts(3), domain.counts(29), domain.counts(10)]).toEqual([
    [2, 0, 1],
    [1, 0, 1],
    [1, 1, 2],
  ])
})

it('lets another vCPU finish a validation that was interrupted, or keeps it from breaking it', () => {
  const domain = wideDomain(4)
  domain.guest.words.set([1, 0, 3, 0, 0, 0], 0x2000 / 4)
  domain.args.fill([0x2000, 1, 0, SELF])
  expect(domain.enter(MMUEXT_OP)).toBe(CONTINUE)
  expect(domain.mmuUpdate([[3 * 4096, 0]])).toBeLessThan(0)
  expect(domain.mmuext(MMUEXT_PIN_L1_TABLE, 3)).toBeLessThan(0)
  domain.poke(2, 0, 3, P)
  expect(domain.mmuext(2, 2)).toBe(0)
  domain.guest.words.set([1, 0, 3, 0, 0, 0], 0x2000 / 4)
  domain.args.fill([0x2000, 1, 0, SELF])
  expect(domain.enter(MMUEXT_OP)).toBe(0)
  expect([domain.counts(3), domain.counts(10)]).toEqual([
    [2, 2, 3],
    [7, 10, 11],
  ])
})

it('undoes a validation that fails after it was interrupted', () => {
  const domain = wideDomain(4)
  domain.poke(29, 511, 61, P | 0x10)
  expect(domain.mmuext(1, 3)).toBeLessThan(0)
  domain.mmu.enterAfterAll()
  for (const gmfn of [3, 10, 20, 29]) expect(domain.counts(gmfn).slice(1)).toEqual([0, 1])
})
