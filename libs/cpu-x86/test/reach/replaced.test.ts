/** What is left too often, as its accesses are apart, is made anew with accesses that look for their pages themselves. */
import { describe, expect, test } from 'vitest'
import { OFTEN } from '../../src/cold/region-loop.ts'
import type { Assembler } from '../jit/assembler.ts'
import { tiers } from '../run/tiers.ts'
import { add, addNumber, addTo, load, move, R12, R13, RAX, RBX, RCX, store } from './code.ts'
import { BORDER, DATA, LoopMachine, type LoopProgram } from './loop.ts'

const [, COLD, REGIONS] = tiers
const INNER = 1

/** Of 16 bytes that lie in two pages. */
const STRADDLING: LoopProgram = {
  body: (code) => code.put(...load(RAX, RBX, 0), ...add(RAX, RBX, 8), ...addTo(RAX, RBX, 4), ...store(RCX, RBX, 12, 4)),
  gpr: { [RBX]: BORDER - 8n },
}

// What begins with the same bytes at the same place of its page is made as was learned of it: each test has its own place.
const placed = (program: LoopProgram, at: number, turns: number): LoopMachine =>
  new LoopMachine(REGIONS, { ...program, at, turns })

test('a loop that is always in two pages is made anew, once', () => {
  const turns = 3 * OFTEN
  const loop = placed(STRADDLING, 0x40, turns)
  const { regions } = loop.machine.runner
  const seen: [number, number][] = []
  loop.begin()
  let left = 'limit'
  while (left === 'limit') {
    left = loop.run(6 * 300).stop
    seen.push([regions.count, loop.timesApart])
  }
  expect(left).toBe('trap')
  const [first] = seen
  expect(first[0]).toBe(1)
  expect(first[1]).toBeGreaterThan(100)
  const after = seen.slice(seen.findIndex(([count]) => count > 1))
  expect(after.length).toBeGreaterThan(10)
  // The region that took the place is never left so.
  expect(new Set(after.map(String))).toEqual(new Set(['2,0']))
  expect(Math.max(...seen.map(([, times]) => times))).toBeLessThanOrEqual(OFTEN)

  const cold = new LoopMachine(COLD, { ...STRADDLING, at: 0x40, turns })
  cold.begin()
  const outcome = cold.run()
  loop.begin()
  expect(loop.run()).toEqual(outcome)
})

test('it is made so from the beginning where it is seen again', () => {
  const first = placed(STRADDLING, 0x80, 2 * OFTEN)
  first.begin()
  first.run()
  expect(first.machine.runner.regions.count).toBe(2)
  const second = placed(STRADDLING, 0x80, 2 * OFTEN)
  second.begin()
  expect(second.run().stop).toBe('trap')
  expect([second.machine.runner.regions.count, second.timesApart]).toEqual([1, 0])
})

test('it gives up only what it shares: faults are as before', () => {
  const loop = placed(STRADDLING, 0xc0, 2 * OFTEN)
  const cold = new LoopMachine(COLD, { ...STRADDLING, at: 0xc0, turns: 2 * OFTEN })
  loop.begin()
  loop.run()
  expect(loop.machine.runner.regions.count).toBe(2)
  for (const change of [{ missing: [DATA] }, { missing: [BORDER] }, { readOnly: [BORDER] }, { gpr: { [RBX]: DATA } }]) {
    loop.begin(change)
    cold.begin(change)
    expect(loop.run()).toEqual(cold.run())
    // They stay so in these machines.
    for (const { machine } of [loop, cold])
      for (const va of [DATA, BORDER]) {
        machine.views.u64[machine.entry(va) >> 3] |= 3n
        machine.vcpu.flushPage(va)
      }
  }
})

describe('a loop that is in two pages now and then', () => {
  /** mov rbx, r12; mov ecx, n; (inner:) dec ecx; jnz; add rax, [rbx]; add rax, [rbx + 8] */
  const seldom = (instructions: number): LoopProgram => ({
    body: (code: Assembler) =>
      code
        .put(...move(RBX, R12), 0xb9, ...new Uint8Array(Int32Array.of(instructions / 2).buffer))
        .label(INNER)
        .put(0xff, 0xc9)
        .jcc(5, INNER)
        .put(...add(RAX, RBX, 0), ...add(RAX, RBX, 8)),
    gpr: { [R12]: BORDER - 8n },
  })

  test.each([
    ['but not once in 800 instructions, stays as it is', 0x140, 900, 1],
    ['and more than once in 800 instructions, is made anew', 0x180, 600, 2],
  ])('%s', (_, at, instructions, most) => {
    const turns = 2 * OFTEN + 100
    const loop = placed(seldom(instructions), at, turns)
    const { regions } = loop.machine.runner
    loop.begin()
    // Behind what is left the loop is entered at its start, which becomes a region of its own.
    loop.run(60 * instructions)
    const made = regions.count
    expect(loop.run(100_000_000).stop).toBe('trap')
    expect(regions.count - made).toBe(most - 1)
    expect(loop.timesApart > 2 * OFTEN).toBe(most === 1)
  })
})

test('a region that follows another one is found as the one that was left', () => {
  // Two loops, of which the second is in two pages, by turns: mov ecx, 5; (inner:) add rax, [r13]; add rax, [r13 + 8]; ...
  const two: LoopProgram = {
    body: (code: Assembler) =>
      code
        .put(0xb9, 5, 0, 0, 0)
        .label(INNER)
        .put(...add(RAX, RBX, 0), ...add(RAX, RBX, 8), ...addNumber(RBX, 0), 0xff, 0xc9)
        .jcc(5, INNER)
        .put(...load(RCX, R13, 0), ...add(RCX, R13, 8), ...store(RCX, R13, 16)),
    gpr: { [RBX]: DATA + 0x100n, [R13]: BORDER - 12n },
  }
  const loop = placed(two, 0x200, 2 * OFTEN)
  const cold = new LoopMachine(COLD, { ...two, at: 0x200, turns: 2 * OFTEN })
  loop.begin()
  cold.begin()
  expect(loop.run()).toEqual(cold.run())
  expect(loop.timesApart).toBeLessThan(OFTEN)
})
