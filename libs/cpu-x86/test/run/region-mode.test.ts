/** Code of one frame that is run in kernel mode and in user mode. */
import { expect, test } from 'vitest'
import { Machine } from '../machine.ts'
import { CODE } from './tiers.ts'

const DATA = 0x500000n
const PAGE_FAULT = 14

test("a region of the kernel's reads nothing for user code that runs the same frame", () => {
  const machine = new Machine({ regionThreshold: 3, regions: { atOnce: true } })
  // mov eax, [rbx]; dec edx; jnz to the mov; hlt
  machine.write(machine.map({ va: CODE }), Uint8Array.from([0x8b, 0x03, 0xff, 0xca, 0x75, 0xfa, 0xf4]))
  machine.map({ va: DATA, user: false })
  const start = { rip: CODE, gpr: [0n, 0n, 100n, DATA] }
  for (let turn = 0; turn < 3; turn++) {
    machine.user(false)
    machine.state = start
    expect(machine.run(10_000)).toBe('trap')
    machine.user(true)
    machine.state = start
    expect(machine.run(10_000)).toBe('fault')
    expect(machine.fault).toEqual({ vector: PAGE_FAULT, error: 5 })
  }
  expect(machine.runner.regions.count).toBeGreaterThan(1)
})
