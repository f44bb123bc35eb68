/** Places that are jumped to now and then for long are none to compile; those that are jumped to much are. */
import { expect, test } from 'vitest'
import { Rarity } from '../../src/jit/rarity.ts'
import { Machine } from '../machine.ts'

const THRESHOLD = 50
const [PLACE, OTHER] = [0x1000, 0x2000]

test('a place is rare until as many jumps as are counted again come close together', () => {
  const rarity = new Rarity(THRESHOLD, 1000)
  const most = rarity.jumps * 1000
  expect(rarity.isRare(PLACE, 5)).toBe(true)
  expect(rarity.isRare(PLACE, 5 + most + 1)).toBe(true)
  expect(rarity.isRare(OTHER, 5 + most + 1)).toBe(true)
  expect(rarity.isRare(PLACE, 5 + 2 * most + 1)).toBe(false)
})

test('the count of instructions is its low half', () => {
  const rarity = new Rarity(THRESHOLD, 1000)
  expect(rarity.isRare(PLACE, -10)).toBe(true)
  expect(rarity.isRare(PLACE, 10)).toBe(false)
})

test('without a limit nothing is rare', () => {
  expect(new Rarity(THRESHOLD, Number.POSITIVE_INFINITY).isRare(PLACE, 5)).toBe(false)
})

/** A loop of `between` turns inside one of `turns`: dec rcx; jnz to itself; mov rcx, rbx; dec rdx; jnz to the first; hlt */
const LOOPS = Uint8Array.of(0x48, 0xff, 0xc9, 0x75, 0xfb, 0x48, 0x89, 0xd9, 0x48, 0xff, 0xca, 0x75, 0xf3, 0xf4)
const CODE = 0x50_0000n

function regionsOf(rare: number, turns: bigint): number {
  const machine = new Machine({ regionThreshold: THRESHOLD, regions: { rare } })
  machine.write(machine.map({ va: CODE }), LOOPS)
  machine.state = { rip: CODE, gpr: [0n, 1n, turns, 1n] }
  while (machine.runner.run(1000) === 'limit');
  return machine.runner.regions.count
}

test('a loop is made a region where its turns are close together', () => {
  expect(regionsOf(1, 20_000n)).toBe(0)
  expect(regionsOf(1000, 20_000n)).toBeGreaterThan(0)
})
