import {
  EBUSY,
  EINVAL,
  MMUEXT_NEW_BASEPTR,
  MMUEXT_PIN_L2_TABLE,
  MMUEXT_PIN_L3_TABLE,
  MMUEXT_PIN_L4_TABLE,
  MMUEXT_UNPIN_TABLE,
} from '@paravane/core/abi'
import { expect, it } from 'vitest'
import { removeFrame } from '../../src/pv/mmu/domain-frames.ts'
import { P, RW, SmallDomain, US } from './small-domain.ts'

// Three empty, pinned tables of a level: 11, 12 and 13 of L2, 21 to 23 of L3, 31 to 33 of L4. A root in 1 with L3 2, L2 3, L1 4.
const PINS = [0, 0, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE]
const tables = (level: number) => [1, 2, 3].map((n) => (level - 1) * 10 + n)
const frame = (gmfn: number, flags: number) => (gmfn << 12) | flags
const G = 0x100
const NO_ALLOCATOR = { hasRoom: () => true, allocate: () => -1, allocateShared: () => -1, free: () => {} }

function domain(): SmallDomain {
  const made = SmallDomain.populated()
  made.buildTree(1, [[40, P | RW]])
  expect(made.mmuext(MMUEXT_NEW_BASEPTR, 1)).toBe(0)
  for (const level of [2, 3, 4]) for (const table of tables(level)) expect(made.mmuext(PINS[level], table)).toBe(0)
  return made
}

/** Sets slot `slot` of `table`. */
const set = (d: SmallDomain, table: number, slot: number, entry: number) =>
  d.mmuUpdate([[table * 4096 + slot * 8, entry]])

it.each([2, 3, 4])('an entry of L%i may name its own table or another of its level, read-only', (level) => {
  const d = domain()
  const [a, b] = tables(level)
  expect(set(d, a, 0, frame(a, P | US))).toBe(0)
  expect([d.counts(a), d.linear(a)]).toEqual([[level, 1, 2], 0])
  expect(set(d, a, 1, frame(b, P | US))).toBe(0)
  expect([d.counts(b), d.linear(a), d.linear(b)]).toEqual([[level, 2, 3], 1, -1])
})

it.each([2, 3, 4])('and writable, global or for a table of another level it is refused: L%i', (level) => {
  const d = domain()
  const [a, b] = tables(level)
  for (const entry of [frame(a, P | RW), frame(b, P | RW), frame(b, P | G), frame(a, P | G), frame(40, P)])
    expect(set(d, a, 0, entry)).toBe(-EINVAL)
  for (const other of [2, 3, 4])
    if (other !== level && other !== level - 1) expect(set(d, a, 0, frame(tables(other)[0], P))).toBe(-EINVAL)
  expect([d.counts(a), d.counts(b), d.linear(a), d.linear(b)]).toEqual([[level, 1, 2], [level, 1, 2], 0, 0])
})

it.each([2, 3, 4])('made writable it is refused, and stays as it was: L%i', (level) => {
  const d = domain()
  const [a, b] = tables(level)
  set(d, a, 0, frame(a, P))
  set(d, a, 1, frame(b, P))
  expect(set(d, a, 0, frame(a, P | RW))).toBe(-EINVAL)
  expect(set(d, a, 1, frame(b, P | RW))).toBe(-EINVAL)
  expect([d.entry(a, 0)[0], d.entry(a, 1)[0]]).toEqual([frame(a, P), frame(b, P)])
  // Any other flag may change.
  expect(set(d, a, 1, frame(b, P | US))).toBe(0)
  expect([d.counts(b), d.linear(a)]).toEqual([[level, 2, 3], 1])
})

it('an entry of the level below may be read-only, become writable and read-only again', () => {
  const d = domain()
  for (const flags of [P, P | RW, P]) expect(set(d, 31, 0, frame(21, flags))).toBe(0)
  expect([d.counts(21), d.linear(31)]).toEqual([[3, 2, 3], 0])
})

it('is one level deep: who names others is not named, who is named names no others', () => {
  const d = domain()
  expect(set(d, 31, 0, frame(32, P))).toBe(0)
  expect(set(d, 32, 0, frame(33, P))).toBe(-EINVAL)
  expect(set(d, 32, 0, frame(31, P))).toBe(-EINVAL)
  expect(set(d, 33, 0, frame(31, P))).toBe(-EINVAL)
  // Itself it may name all the same, and by a third it may be named.
  expect(set(d, 32, 0, frame(32, P))).toBe(0)
  expect(set(d, 33, 0, frame(32, P))).toBe(0)
  expect([31, 32, 33].map((table) => d.linear(table))).toEqual([1, -2, 1])
  set(d, 31, 0, 0)
  set(d, 33, 0, 0)
  expect(set(d, 32, 1, frame(33, P))).toBe(0)
})

it('is validated with its table, and let go of with it', () => {
  const d = domain()
  for (const slot of [0, 1]) d.poke(34, slot, 31, P)
  d.poke(34, 2, 34, P)
  expect(d.mmuext(MMUEXT_PIN_L4_TABLE, 34)).toBe(0)
  expect([d.counts(31), d.linear(31), d.counts(34), d.linear(34)]).toEqual([[4, 3, 4], -2, [4, 1, 2], 2])
  expect(d.mmuext(MMUEXT_UNPIN_TABLE, 34)).toBe(0)
  expect([d.counts(31), d.linear(31), d.counts(34).slice(1), d.linear(34)]).toEqual([[4, 1, 2], 0, [0, 1], 0])
})

it('what it took is given back when a later entry is refused', () => {
  const d = domain()
  d.poke(34, 0, 31, P)
  d.poke(34, 1, 40, P)
  expect(d.mmuext(MMUEXT_PIN_L4_TABLE, 34)).toBe(-EINVAL)
  expect([d.counts(31), d.linear(31), d.linear(34)]).toEqual([[4, 1, 2], 0, 0])
})

it('keeps the table it names, though nothing else does', () => {
  const d = domain()
  set(d, 31, 0, frame(32, P))
  expect(d.mmuext(MMUEXT_UNPIN_TABLE, 32)).toBe(0)
  expect([d.counts(32), removeFrame(d.mmu, 32, NO_ALLOCATOR)]).toEqual([[4, 1, 2], false])
  expect(d.mapVa(0x1000n, frame(32, P | RW))).toBe(-EBUSY)
  expect(set(d, 31, 0, 0)).toBe(0)
  expect(removeFrame(d.mmu, 32, NO_ALLOCATOR)).toBe(true)
})

it('of a frame that is no table yet makes a table of the level below', () => {
  const d = domain()
  expect(set(d, 31, 0, frame(41, P))).toBe(0)
  expect([d.counts(41), d.linear(31)]).toEqual([[3, 1, 2], 0])
})

it('shows no L1 table to update_va_mapping', () => {
  const d = domain()
  const slot = 8n
  expect(set(d, 1, Number(slot), frame(1, P))).toBe(0)
  // At this address the root's L3, L2 and L1 tables look like an L2 table, an L1 table and a page.
  expect(d.mapVa(slot << 39n, frame(40, P))).toBe(-EINVAL)
  expect(d.mapVa(0x1000n, frame(40, P))).toBe(0)
})

it('flushes before the frame of a table that named itself leaves', () => {
  const d = domain()
  set(d, 31, 0, frame(31, P))
  expect(d.mmuext(MMUEXT_UNPIN_TABLE, 31)).toBe(0)
  expect(removeFrame(d.mmu, 31, NO_ALLOCATOR)).toBe(true)
  expect(d.asked).toContain('unmap 31')
})
