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
const STACK = 0x500000n
const DATA = 0x600000n

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

/** inc eax; mov [rdi], eax, which is of the function in the next page; call it; dec ecx; jnz to the start; hlt */
const REWRITING = [0xff, 0xc0, 0x89, 0x07, 0xe8, 0xf7, 0x0f, 0, 0, 0xff, 0xc9, 0x75, 0xf3, 0xf4]
/** add ebx, 1; ret */
const REWRITTEN = [0x81, 0xc3, 1, 0, 0, 0, 0xc3]
/** As PvVcpu has it. */
const MOST_EXITS = 256

test('a region that has to be made anew each time is left after a few', () => {
  const { machine, pages } = machineWith(Uint8Array.from(REWRITING), 0, { regionThreshold: 3 })
  machine.write(pages[1], Uint8Array.from(REWRITTEN))
  machine.map({ va: STACK })
  machine.map({ va: DATA })
  const begin = (rdi: bigint): void => {
    machine.state = { rip: CODE, gpr: [0n, 1000n, 0n, 0n, STACK + 0x800n, 0n, 0n, rdi] }
  }
  begin(DATA)
  expect(machine.runner.run(FOR_EVER)).toBe('trap')
  begin(CODE + 0x1002n)
  const { count } = machine.runner.regions
  expect(machine.runner.run(FOR_EVER, false, { left: MOST_EXITS })).toBe('limit')
  expect(machine.runner.regions.count - count).toBeLessThan(MOST_EXITS / 16)
})

test('code that stays as it is uses none of it', () => {
  const { machine } = machineWith(Uint8Array.of(0xeb, 0xfe), 0, {})
  machine.state = { rip: CODE }
  machine.runner.run(1000)
  const budget = { left: 10 }
  machine.runner.run(100_000, false, budget)
  expect(budget.left).toBeGreaterThanOrEqual(9)
})
