/** Loops of loads, stores, pushes and pops beside each other, near borders of pages that are not all there: as in the cold tier. */
import { expect, test } from 'vitest'
import type { Assembler } from '../jit/assembler.ts'
import { Random } from '../programs/random.ts'
import { tiers } from '../run/tiers.ts'
import {
  addNumber,
  memory,
  move,
  R11,
  R12,
  R13,
  R14,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RDX,
  RSI,
  RSP,
  type Size,
} from './code.ts'
import { type Change, DATA, LoopMachine, type LoopProgram } from './loop.ts'

const PROGRAMS = 80
const TURNS = 12
const COUNT = 20_000
const [, COLD, REGIONS] = tiers
/** Label behind what the first block jumps over. */
const FIRST = 1

/** Bases, and what is loaded into and computed with. */
const BASES = [RBX, RSI, RSP]
const VALUES = [RAX, RCX, RDX, 8, 9]
/** Where the bases are set anew from in each turn, and where from some turn on. */
const HOMES = [R12, R13, R14]
const LATER = [RDI, RBP, R11]
/** cmp r15d, 6; cmovz r12, rdi; cmovz r13, rbp; cmovz r14, r11 */
const MOVE_HOMES = [0x41, 0x83, 0xff, 6, 0x4c, 0x0f, 0x44, 0xe7, 0x4c, 0x0f, 0x44, 0xed, 0x4d, 0x0f, 0x44, 0xf3]
const SIZES: readonly Size[] = [1, 2, 4, 8]
/** mov, add, sub, xor, cmp, adc from and to memory, without the bit for operands that are wider than a byte. */
const OPCODES = [0x8a, 0x88, 0x8a, 0x88, 0x02, 0x00, 0x2a, 0x28, 0x32, 0x30, 0x3a, 0x38, 0x12, 0x10]

const near = (random: Random): number => random.between(-24, 24) * random.pick([1, 1, 1, 4])

function access(random: Random): number[] {
  const size = random.pick(SIZES)
  const opcode = random.pick(OPCODES) | (size === 1 ? 0 : 1)
  const index = random.chance(10) ? { index: 10, scale: random.below(4) } : {}
  return memory([opcode], random.pick(VALUES), random.pick(BASES), near(random), { size, ...index })
}

const INSTRUCTIONS: readonly ((random: Random) => number[])[] = [
  access,
  access,
  access,
  access,
  access,
  // push, pop
  (random) => [0x50 | random.pick([0, 1, 2])],
  (random) => [0x58 | random.pick([0, 1, 2])],
  // push [base + n]; pop [base + n]
  (random) => memory([0xff], 6, random.pick(BASES), near(random), { size: 4 }),
  (random) => memory([0x8f], 0, random.pick(BASES), near(random), { size: 4 }),
  (random) => addNumber(random.pick(BASES), random.between(-12, 12)),
  // lea base, [base + n]
  (random) => memory([0x8d], random.pick([RBX, RSI]), random.pick(BASES), near(random)),
  (random) => move(random.pick([RBX, RSI]), random.pick([...BASES, ...HOMES])),
  // inc bl; inc sil
  (random) =>
    random.chance(30)
      ? random.pick([
          [0xfe, 0xc3],
          [0x40, 0xfe, 0xc6],
        ])
      : access(random),
  // xadd and lock add
  (random) =>
    memory([0x0f, 0xc1], random.pick(VALUES), random.pick(BASES), near(random), { size: random.pick([4, 8]) }),
  (random) => [0xf0, ...memory([0x01], random.pick(VALUES), random.pick(BASES), near(random), { size: 4 })],
  // movaps and movups
  (random) => {
    const isAligned = random.chance(30)
    const opcode = (isAligned ? 0x28 : 0x10) | random.below(2)
    return memory([0x0f, opcode], random.below(4), random.pick(BASES), near(random) & (isAligned ? -16 : -1), {
      size: 4,
    })
  },
]

/** Somewhere near one of the borders between the pages, often aligned. */
const place = (random: Random): bigint =>
  DATA + BigInt(random.between(1, 3) * 4096 + (random.between(-40, 40) & random.pick([-1, -4, -8, -16])))

/** Calls it for the loop's body as often as that is wanted: always the same. */
function emit(seed: number, code: Assembler): void {
  const random = new Random(seed)
  code.put(...MOVE_HOMES)
  for (const [n, base] of BASES.entries()) code.put(...move(base, HOMES[n]))
  const some = (most: number): void => {
    for (let n = random.between(1, most); n > 0; n--) code.put(...random.pick(INSTRUCTIONS)(random))
  }
  const blocks = random.between(1, 4)
  for (let label = FIRST; label < FIRST + blocks; label++) {
    some(8)
    // test r15b, n; jz or jnz over some
    code.put(0x41, 0xf6, 0xc7, random.pick([1, 2, 3])).jcc(random.pick([4, 5]), label)
    some(5)
    code.label(label)
  }
  if (random.chance(40)) code.put(...addNumber(random.pick(HOMES), random.between(-20, 20)))
}

test('programs made by chance', () => {
  let [faults, apart, made] = [0, 0, 0]
  for (let seed = 1; seed <= PROGRAMS; seed++) {
    const random = new Random(~seed)
    const places = (): LoopProgram['gpr'] =>
      Object.fromEntries([...HOMES, ...LATER].map((home) => [home, place(random)]))
    const program = { body: (code: Assembler) => emit(seed, code), gpr: places(), turns: TURNS }
    const machines = [COLD, REGIONS].map((tier) => new LoopMachine(tier, program))
    const run = (change: Change): void => {
      const [cold, regions] = machines.map((loop) => {
        loop.begin(change)
        return loop.run(COUNT)
      })
      expect(regions, `program ${seed}`).toEqual(cold)
      if (cold.stop === 'fault') faults++
      apart += machines[1].timesApart
    }
    run({})
    for (let again = 0; again < 4; again++) run({ gpr: places() })
    if (machines[1].machine.runner.regions.count > 0) made++
    const pages = random.shuffled([0n, 0x1000n, 0x2000n, 0x3000n].map((page) => DATA + page))
    for (const change of [{ readOnly: [pages[0]] }, { missing: [pages[1]] }])
      for (let again = 0; again < 3; again++) run({ ...change, gpr: places(), user: random.chance(50) })
  }
  expect(made).toBeGreaterThan(0.8 * PROGRAMS)
  expect(faults).toBeGreaterThan(PROGRAMS)
  expect(apart).toBeGreaterThan(PROGRAMS)
})
