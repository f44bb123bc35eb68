/** Faults of accesses that share a look: of the very access, with all before it done once, and nothing behind it. */
import { describe, expect, test } from 'vitest'
import { add, addTo, load, RAX, RBX, RCX, RDX, store } from './code.ts'
import { BORDER, type Change, DATA, placeOf, type Same, sameInAllTiers, VECTOR } from './loop.ts'

const WRITE = 2
const THERE = 1
const USER = 4

/** Runs instructions by rbx, which is BORDER the second time; before that it is far from any border. */
const runAtBorder = (instructions: readonly (readonly number[])[], change: Change, rbx: bigint = BORDER): Same =>
  sameInAllTiers(
    { body: (code) => code.put(...instructions.flat()), gpr: { [RBX]: DATA + 0x2800n } },
    { ...change, gpr: { [RBX]: rbx } },
  )

/** inc edx: how often instructions were come to. */
const COUNT = [0xff, 0xc2]

describe.each([
  ['in kernel mode', false],
  ['in user mode', true],
])('%s', (_, user) => {
  const mode = user ? USER : 0

  test('the second page is not there', () => {
    const code = [
      load(RAX, RBX, -16),
      COUNT,
      addTo(RDX, RBX, -8),
      COUNT,
      load(RCX, RBX, 8),
      COUNT,
      store(RAX, RBX, -24),
    ]
    const { fault, rip, gpr, retired, apart } = runAtBorder(code, { missing: [BORDER], user })
    expect(fault).toEqual({ vector: VECTOR.PF, error: mode, address: BORDER + 8n })
    expect([rip, gpr[RDX], gpr[RCX], retired]).toEqual([placeOf(code, 4), 2n, 0n, 4])
    expect(apart).toBe(1)
  })

  test('the first page is not there, which only a later access reaches', () => {
    const code = [load(RAX, RBX, 8), COUNT, addTo(RDX, RBX, 16), load(RCX, RBX, -8), COUNT, store(RDX, RBX, 24)]
    const { fault, rip, gpr, retired, changed } = runAtBorder(code, { missing: [DATA], user })
    expect(fault).toEqual({ vector: VECTOR.PF, error: mode, address: BORDER - 8n })
    expect([rip, gpr[RDX], gpr[RCX], retired]).toEqual([placeOf(code, 3), 1n, 0n, 3])
    // The sum was stored once: what changed is the number's lowest byte.
    expect(Object.keys(changed)).toEqual([(BORDER + 16n).toString(16)])
  })

  test('an access lies in both, of which the second is not there', () => {
    const code = [load(RAX, RBX, -16), store(RAX, RBX, -24), add(RAX, RBX, -4), COUNT]
    const { fault, rip, retired } = runAtBorder(code, { missing: [BORDER], user })
    expect(fault).toEqual({ vector: VECTOR.PF, error: mode, address: BORDER })
    expect([rip, retired]).toEqual([placeOf(code, 2), 2])
  })

  test('the second page is not there, and only stores reach it', () => {
    const code = [store(RAX, RBX, -8), COUNT, store(RAX, RBX, 0), COUNT]
    const { fault, rip, gpr, apart } = runAtBorder(code, { missing: [BORDER], user })
    expect(fault).toEqual({ vector: VECTOR.PF, error: mode | WRITE, address: BORDER })
    expect([rip, gpr[RDX], apart]).toEqual([placeOf(code, 2), 1n, 1])
  })

  test('loads from a read-only page go on to a store, which faults', () => {
    const code = [load(RAX, RBX, 0), add(RAX, RBX, -8), COUNT, store(RAX, RBX, -16), COUNT, store(RAX, RBX, 8)]
    const { fault, rip, gpr, retired } = runAtBorder(code, { readOnly: [BORDER], user })
    expect(fault).toEqual({ vector: VECTOR.PF, error: mode | WRITE | THERE, address: BORDER + 8n })
    expect([rip, gpr[RDX], retired]).toEqual([placeOf(code, 5), 2n, 5])
  })

  test('a store to the page before does not have a load want to write', () => {
    const code = [store(RDX, RBX, -8), load(RAX, RBX, 0), add(RAX, RBX, 8), COUNT, store(RDX, RBX, -16)]
    const { stop, changed } = runAtBorder(code, { readOnly: [BORDER], user })
    expect(stop).toBe('trap')
    expect(Object.keys(changed).length).toBeGreaterThan(0)
  })

  test('an add to memory that may only be read faults as a write, and changes nothing', () => {
    const code = [load(RAX, RBX, 0), load(RCX, RBX, 16), addTo(RCX, RBX, 8), COUNT]
    const { fault, rip, gpr, rflags, changed } = runAtBorder(code, { readOnly: [BORDER], user })
    expect(fault).toEqual({ vector: VECTOR.PF, error: mode | WRITE | THERE, address: BORDER + 8n })
    expect([rip, gpr[RDX], rflags & 0x8d5n, changed]).toEqual([placeOf(code, 2), 0n, 0n, {}])
  })
})

describe('loads from a page that may only be read, with stores by the same register later', () => {
  test.each([
    ['that are not come to', [0x85, 0xd2, 0x74, 16], 'trap'],
    ['that are come to', [0x85, 0xd2, 0x75, 16], 'fault'],
  ])('%s', (_, unless, stop) => {
    // test edx, edx; jz or jnz over the stores
    const code = [
      load(RAX, RBX, 0),
      add(RAX, RBX, 8),
      unless,
      store(RAX, RBX, 16),
      store(RAX, RBX, 24),
      add(RAX, RBX, 16),
    ]
    expect(runAtBorder(code, { readOnly: [BORDER] }).stop).toBe(stop)
  })
})

describe('a page goes while a loop runs', () => {
  test.each([
    ['that holds the second half', 0x1000n, -8n],
    ['that holds the first', 0n, 8n],
  ])('%s', (_, offset, disp) => {
    // Through the border by 24 bytes a turn.
    const step = [0x48, 0x83, 0xc3, 24]
    const code = [load(RAX, RBX, Number(disp)), COUNT, addTo(RAX, RBX, Number(-disp)), add(RCX, RBX, 0), step]
    for (let before = 0n; before < 200n; before += 13n)
      expect(runAtBorder(code, { missing: [DATA + offset] }, BORDER - before).stop).toBe(
        runAtBorder(code, { missing: [DATA + offset], user: true }, BORDER - before).stop,
      )
  })
})
