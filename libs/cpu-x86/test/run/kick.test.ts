import { describe, expect, test } from 'vitest'
import { kick } from '../../src/mmu/safepoint.ts'
import { CPU } from '../../src/state/layout.ts'
import { HotVcpu } from '../safepoint/hot-vcpu.ts'
import { CODE, machineWith } from './tiers.ts'

/** jmp to itself */
const LOOP = Uint8Array.of(0xeb, 0xfe)
const FOR_EVER = 1e12

describe('a kicked vCPU', () => {
  test('does not enter translated code until the kick is taken back', () => {
    const { machine } = machineWith(LOOP, 0, {})
    const { vcpu, runner } = machine
    machine.state = { rip: CODE }
    kick(vcpu)
    expect(runner.run(FOR_EVER)).toBe('limit')
    expect(vcpu.u64(CPU.ICOUNT)).toBe(0n)
    vcpu.setI32(CPU.KICK, 0)
    expect(runner.run(1000)).toBe('limit')
    expect(Number(vcpu.u64(CPU.ICOUNT))).toBeGreaterThanOrEqual(1000)
  })

  test('goes at most one instruction further where it steps to an exact count', () => {
    const { machine } = machineWith(LOOP, 0, {})
    machine.state = { rip: CODE }
    kick(machine.vcpu)
    expect(machine.run(100)).toBe('limit')
    expect(machine.vcpu.u64(CPU.ICOUNT)).toBe(1n)
  })

  test.each([
    { name: 'in the cold tier', regionThreshold: 0 },
    { name: 'in a region', regionThreshold: 8 },
  ])('of another thread leaves an endless loop $name', async ({ name, regionThreshold }) => {
    const hot = new HotVcpu({ name, regionThreshold, stretch: FOR_EVER, offset: 0 })
    hot.untilStored(0)
    await hot.stop()
    expect(hot.machine.vcpu.u64(CPU.ICOUNT)).toBeGreaterThan(0n)
    expect(hot.machine.vcpu.i32(CPU.IN_GUEST)).toBe(0)
  })
})
