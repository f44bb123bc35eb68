import { expect, test } from 'vitest'
import { CPU } from '../../src/state/layout.ts'
import { CODE, machineWith } from './tiers.ts'

/** inc rax; mov [rip - 13], al, which changes the immediate of nothing but drops what was translated; jmp to the beginning */
const SELF_MODIFYING = Uint8Array.of(
  ...[0x48, 0xff, 0xc0],
  ...[0x88, 0x05, 0x02, 0x00, 0x00, 0x00],
  ...[0xeb, 0xf5, 0x90],
)
const FOR_EVER = 1e12

test('code that has itself translated anew without end is left when the budget of exits is used up', () => {
  const { machine } = machineWith(SELF_MODIFYING, 0, {})
  machine.state = { rip: CODE }
  const budget = { left: 10 }
  expect(machine.runner.run(FOR_EVER, false, budget)).toBe('limit')
  expect(budget.left).toBe(0)
  const retired = machine.vcpu.u64(CPU.ICOUNT)
  expect(retired).toBeGreaterThan(0n)
  expect(retired).toBeLessThan(100n)
})

test('code that stays as it is uses none of it', () => {
  const { machine } = machineWith(Uint8Array.of(0xeb, 0xfe), 0, {})
  machine.state = { rip: CODE }
  machine.runner.run(1000)
  const budget = { left: 10 }
  machine.runner.run(100_000, false, budget)
  expect(budget.left).toBeGreaterThanOrEqual(9)
})
