/** Places that are jumped to now and then for long are none to compile; those that are jumped to much are. */
import { expect, test } from 'vitest'
import { Rarity } from '../../src/jit/rarity.ts'
import { Machine } from '../machine.ts'

const THRESHOLD = 50
const [PLACE, OTHER] = [0x1000, 0x2000]

let now = 0
const rarity = (perSecond: number): Rarity => new Rarity(THRESHOLD, perSecond, () => now)

test('a place is rare until jumps come close together for some time', () => {
  const places = rarity(400)
  const close = (places.jumps * 1000) / 400
  expect(places.isRare(PLACE)).toBe(true)
  now += close
  expect(places.isRare(OTHER)).toBe(true)
  expect(places.isRare(PLACE)).toBe(true)
  now += close
  expect(places.isRare(PLACE)).toBe(false)
})

test('what was found rare is compiled at twice the rate, and not at one that only just reaches the limit', () => {
  const places = rarity(400)
  const close = (places.jumps * 1000) / 400
  expect(places.isRare(PLACE)).toBe(true)
  now += close + 1
  for (let look = 0; look < 20; look++, now += close) expect(places.isRare(PLACE)).toBe(true)
  now += 1 - close
  for (let look = 0; look < 4; look++, now += close / 2) expect(places.isRare(PLACE)).toBe(true)
  expect(places.isRare(PLACE)).toBe(false)
})

test('many jumps at once tell as much as some time', () => {
  const places = rarity(1000)
  for (let look = 0; look < 5; look++) expect(places.isRare(PLACE)).toBe(true)
  expect(places.isRare(PLACE)).toBe(false)
})

test('few jumps at once, now and then, stay rare', () => {
  const places = rarity(1000)
  for (let burst = 0; burst < 20; burst++, now += 400)
    for (let look = 0; look < 4; look++) expect(places.isRare(PLACE)).toBe(true)
})

test('without a limit nothing is rare', () => {
  expect(rarity(0).isRare(PLACE)).toBe(false)
})

/** A loop of `between` turns inside one of `turns`: dec rcx; jnz to itself; mov rcx, rbx; dec rdx; jnz to the first */
const LOOPS = [0x48, 0xff, 0xc9, 0x75, 0xfb, 0x48, 0x89, 0xd9, 0x48, 0xff, 0xca, 0x75, 0xf3] as const
const HLT = 0xf4
const CODE = 0x50_0000n

function regionsOf(rare: number, behind: readonly number[] = []): number {
  const machine = new Machine({ regionThreshold: THRESHOLD, regions: { rare } })
  machine.write(machine.map({ va: CODE }), Uint8Array.of(...LOOPS, ...behind, HLT))
  machine.state = { rip: CODE, gpr: [0n, 1n, 20_000n, 1n] }
  while (machine.runner.run(1000) === 'limit');
  return machine.runner.regions.count
}

test('a loop is made a region where its turns are close together', () => {
  expect(regionsOf(1e12)).toBe(0)
  expect(regionsOf(1)).toBeGreaterThan(0)
})

test('what begins like code that is compiled is rare as all else', () => {
  const nops = [0x90, 0x90, 0x90]
  expect(regionsOf(0, [...nops, 0x31, 0xc0])).toBeGreaterThan(0)
  expect(regionsOf(1e12, [...nops, 0x33, 0xc0])).toBe(0)
})
