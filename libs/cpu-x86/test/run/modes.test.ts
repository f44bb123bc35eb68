/** The same bytes at the same place are other instructions in compatibility mode. */
import { describe, expect, test } from 'vitest'
import { CPU } from '../../src/state/layout.ts'
import { CODE, machineWith, tiers } from './tiers.ts'

/** inc rax, or dec eax and inc eax; dec edx; jnz to the first; hlt */
const LOOP = Uint8Array.of(0x48, 0xff, 0xc0, 0xff, 0xca, 0x75, 0xf9, 0xf4)
const TURNS = 100

describe.each(tiers)('code of two modes, run $name', ({ options, run }) => {
  test.each([
    ['within a page', 0x10],
    ['with an instruction across pages', 0xffe],
    ['with the jump back across pages', 0xffa],
  ])('%s', (_, offset) => {
    const { machine } = machineWith(LOOP, offset, options)
    const { vcpu } = machine
    for (const mode of [64, 32, 64, 64, 32, 32, 64]) {
      vcpu.setI32(CPU.COMPAT, mode === 32 ? 1 : 0)
      machine.state = { rip: CODE + BigInt(offset), gpr: [7n, 0n, BigInt(TURNS)] }
      expect(run(machine, 100_000)).toBe('trap')
      expect(vcpu.gpr(0)).toBe(mode === 64 ? 7n + BigInt(TURNS) : 7n)
      expect(vcpu.rip).toBe(CODE + BigInt(offset + LOOP.length - 1))
    }
  })
})
