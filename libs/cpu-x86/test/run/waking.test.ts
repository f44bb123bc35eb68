/** A vCPU whose processor has slept goes by records at first, where regions are made and where they are there. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { HANDLER_MASK } from '../../src/cold/record.ts'
import { CPU } from '../../src/state/layout.ts'
import type { Machine } from '../machine.ts'
import { CODE, machineWith } from './tiers.ts'

/** add eax, 3; imul ebx, ebx, 5; add ebx, eax; dec edx; jnz to the first; hlt */
const LOOP = Uint8Array.of(0x83, 0xc0, 3, 0x6b, 0xdb, 5, 0x01, 0xc3, 0xff, 0xca, 0x75, 0xf4, 0xf4)
const BODY = 5
const SHORT = 500
const LONG = 40_000
/** Instructions of one wake after which it goes by regions. */
const WAKING = 20_000

const begin = (machine: Machine, turns: number): void => {
  machine.state = { rip: CODE, gpr: [0n, 0n, BigInt(turns), 7n, 0n, 0n, 0n] }
}

/** eax and ebx after so many turns. */
function expected(turns: number): readonly number[] {
  let [eax, ebx] = [0, 7]
  for (let n = 0; n < turns; n++) {
    eax += 3
    ebx = (Math.imul(ebx, 5) + eax) >>> 0
  }
  return [eax, ebx]
}

const result = ({ vcpu }: Machine): readonly number[] => [Number(vcpu.gpr(0)), Number(vcpu.gpr(3))]
const goesByRegions = ({ vcpu }: Machine): boolean => vcpu.i32(CPU.HANDLER_MASK) === HANDLER_MASK.REGIONS

test('what runs long after a sleep becomes regions, what sleeps again does not, and both do the same', async () => {
  const { machine } = machineWith(LOOP, 0, { regionThreshold: 3, regions: {} })
  const run = (turns: number): void => {
    begin(machine, turns)
    expect(machine.run(1_000_000)).toBe('trap')
    expect(result(machine)).toEqual(expected(turns))
  }
  for (let wakes = 0; wakes * SHORT * BODY < 3 * WAKING; wakes++) {
    await sleep(5)
    run(SHORT)
    expect(goesByRegions(machine)).toBe(false)
  }
  expect(machine.runner.regions.count).toBe(0)
  run(LONG)
  expect(goesByRegions(machine)).toBe(true)
  expect(machine.runner.regions.count).toBeGreaterThan(0)
  // Now at a head of a region.
  await sleep(5)
  run(SHORT)
  expect(goesByRegions(machine)).toBe(false)
})
