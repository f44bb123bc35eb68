import { describe, expect, test } from 'vitest'
import { CPU } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'
import { tiers } from './tiers.ts'

const LAST = 0xfffff000n
const TURNS = 1000n
const NOPS: readonly number[] = new Array(8).fill(0x90)

/**
 * A loop over the end of 4 GiB: from 0xfffffef8 on eight nops (shorter loops are not worth a region), inc eax, dec ecx and a
 * branch to 0x10; there a jump back, and hlt behind the branch. Displacements are added in 32 bits.
 */
const BRANCHES: readonly (readonly [name: string, there: readonly number[], back: readonly number[]])[] = [
  ['jnz and jmp', [0x0f, 0x85, 0x08, 0x01, 0, 0, 0xf4], [0xe9, 0xe3, 0xfe, 0xff, 0xff]],
  ['jz over jmp, and jmp', [0x74, 0x05, 0xe9, 0x07, 0x01, 0, 0, 0xf4], [0xe9, 0xe3, 0xfe, 0xff, 0xff]],
  [
    'jz over call, and add esp, 4; jmp',
    [0x74, 0x05, 0xe8, 0x07, 0x01, 0, 0, 0xf4],
    [0x83, 0xc4, 4, 0xe9, 0xe0, 0xfe, 0xff, 0xff],
  ],
]

describe.each(tiers)('near branches of 32-bit code wrap at 4 GiB, $name', (tier) => {
  test.each(BRANCHES)('%s', (_name, there, back) => {
    const machine = new Machine(tier.options)
    machine.write(machine.map({ va: LAST }) + 0xef8, Uint8Array.of(...NOPS, 0x40, 0x49, ...there))
    machine.write(machine.map({ va: 0n }) + 0x10, Uint8Array.from(back))
    machine.map({ va: 0x500000n })
    machine.vcpu.setI32(CPU.COMPAT, 1)
    machine.state = { rip: 0xfffffef8n, gpr: [0n, TURNS, 0n, 0n, 0x500800n] }
    expect(tier.run(machine, 20_000)).toBe('trap')
    expect([machine.vcpu.gpr(0), machine.vcpu.gpr(1), machine.vcpu.gpr(4)]).toEqual([TURNS, 0n, 0x500800n])
    if (tier.options.regionThreshold !== undefined) expect(machine.runner.regions.count).toBeGreaterThan(0)
  })
})
