import { describe, expect, test } from 'vitest'
import { RUN_LIMIT } from '../../src/cold/code-cache.ts'
import { CPU } from '../../src/state/layout.ts'
import { CODE, machineWith, tiers } from './tiers.ts'

/**
 * An endless loop of two loops: inner: add rax, rcx; dec cl; jnz inner; a row of nops; lea rdi, [rbx]; lea rsi, [rbx + 64]; mov ecx, 9;
 * rep movsb (one instruction); mov cl, 7; jmp inner.
 */
const NOPS = 100
const CODE_BYTES = Uint8Array.of(
  ...[0x48, 0x01, 0xc8, 0xfe, 0xc9, 0x75, 0xf9],
  ...new Array<number>(NOPS).fill(0x90),
  ...[0x48, 0x8d, 0x3b, 0x48, 0x8d, 0x73, 0x40, 0xb9, 9, 0, 0, 0, 0xf3, 0xa4, 0xb1, 7],
  ...[0xeb, 256 - (7 + NOPS + 16 + 2)],
)
const DATA = 0x600000n
const COUNTS = [1, 2, 63, 64, 65, 511, 512, 513, 514, 1000, 1, 5000, 12_345, 3]

function machineAt(options: object) {
  const { machine } = machineWith(CODE_BYTES, 0x10, options)
  machine.map({ va: DATA })
  machine.state = { rip: CODE + 0x10n, gpr: [0n, 7n, 0n, DATA] }
  return machine
}

describe('a vCPU that is to stop at an instruction', () => {
  const reference = machineAt({})
  const wanted = COUNTS.map((count) => {
    expect(reference.steps(count)).toBe('limit')
    return reference.state
  })

  test.each(tiers)('does so with the state that stepping gives: $name', ({ options, run }) => {
    const machine = machineAt(options)
    let retired = 0n
    const states = COUNTS.map((count) => {
      expect(run(machine, count)).toBe('limit')
      retired += BigInt(count)
      expect(machine.vcpu.u64(CPU.ICOUNT)).toBe(retired)
      return machine.state
    })
    expect(states).toEqual(wanted)
  })
})

describe.each(tiers.slice(1))('a vCPU that need not be exact, run $name', ({ options }) => {
  test.each([1, 100, 1000, 50_000])('goes on by less than a run of instructions after %i', (count) => {
    const machine = machineAt(options)
    machine.runner.run(20_000)
    const before = machine.vcpu.u64(CPU.ICOUNT)
    expect(machine.runner.run(count)).toBe('limit')
    const past = Number(machine.vcpu.u64(CPU.ICOUNT) - before) - count
    expect(past).toBeGreaterThanOrEqual(0)
    expect(past).toBeLessThanOrEqual(MOST_PAST)
  })
})
/** The limit is looked at on jumps; a region looks on jumps back only, and this one's blocks together are a turn of the outer loop. */
const MOST_PAST = 2 * RUN_LIMIT + NOPS
