/** Stores through a shared look to the code that is being run: it takes effect on what comes next. */
import { describe, expect, test } from 'vitest'
import type { Assembler } from '../jit/assembler.ts'
import { tiers } from '../run/tiers.ts'
import { add, load, move, R12, R14, RAX, RBX, RCX, RDX, store } from './code.ts'
import { CODE, DATA, LoopMachine, type LoopProgram, sameInAllTiers } from './loop.ts'

const TURNS = 100
const EVERY = 16
/** mov rbx, r12; test r15b, 15; cmovz rbx, r14: the code in every 16th turn. */
const CHOOSE = [...move(RBX, R12), 0x41, 0xf6, 0xc7, EVERY - 1, 0x49, 0x0f, 0x44, 0xde]
const STORE_BYTES = store(RDX, RBX, 0, 1).length

/** mov [rbx + one], dl; mov [rbx + two], dl; (one:) add eax, 0; (two:) add eax, 0; inc edx */
function changing(code: Assembler, first: readonly number[] = []): void {
  const behind = CHOOSE.length + first.length + 2 * STORE_BYTES
  const [one, two] = [behind + 2, behind + 5]
  code
    .put(...CHOOSE, ...first)
    .put(...store(RDX, RBX, one, 1), ...store(RDX, RBX, two, 1))
    .put(0x83, 0xc0, 0, 0x83, 0xc0, 0, 0xff, 0xc2)
}

const program: LoopProgram = { body: changing, gpr: { [R12]: DATA, [R14]: CODE }, turns: TURNS }

/** Of numbers that are those of the last turn in which the code was changed. */
function sum(): number {
  let number = 0
  let all = 0
  for (let turn = 0; turn < TURNS; turn++) {
    if ((TURNS - turn) % EVERY === 0) number = turn
    all += 2 * number
  }
  return all
}

test.each(tiers)('numbers that are changed are added at once, run $name', (tier) => {
  const loop = new LoopMachine(tier, program)
  for (let again = 0; again < 3; again++) {
    loop.begin()
    const { stop, gpr } = loop.run()
    expect([stop, gpr[RAX]]).toEqual(['trap', BigInt(sum())])
  }
  expect(loop.machine.runner.regions.count > 0).toBe(tier.options.regionThreshold !== undefined)
})

describe('the bytes that are changed', () => {
  test('were read by the same register before', () => {
    const body = (code: Assembler) => changing(code, [...load(RCX, RBX, 3), ...add(RCX, RBX, 40)])
    sameInAllTiers({ ...program, body })
  })

  test('were not reached by that before', () => {
    sameInAllTiers({ ...program, gpr: { [R12]: DATA, [R14]: DATA } }, { gpr: { [R14]: CODE } })
  })

  test('are in the page to which the other turns store as well', () => {
    sameInAllTiers({ ...program, gpr: { [R12]: CODE + 0x400n, [R14]: CODE } })
  })
})
