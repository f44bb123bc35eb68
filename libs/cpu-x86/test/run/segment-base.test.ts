import { describe, expect, test } from 'vitest'
import { CPU } from '../../src/state/layout.ts'
import { CODE, machineWith, tiers } from './tiers.ts'

const DATA = 0x700000n
const VALUE = 0x1234abcdn
const TURNS = 20n

interface Access {
  readonly name: string
  readonly mode: 32 | 64
  /** `mov eax, [...]` by its bytes; esi is -16. */
  readonly code: readonly number[]
  /** Base of GS, so that it reads DATA. */
  readonly base: bigint
}

const accesses: readonly Access[] = [
  { name: 'mov eax, gs:0x8', mode: 32, code: [0x65, 0x8b, 0x05, 0x08, 0, 0, 0], base: DATA - 8n },
  { name: 'mov eax, gs:0x8 (moffs)', mode: 32, code: [0x65, 0xa1, 0x08, 0, 0, 0], base: DATA - 8n },
  { name: 'mov eax, gs:0xfffffffc', mode: 32, code: [0x65, 0x8b, 0x05, 0xfc, 0xff, 0xff, 0xff], base: DATA + 4n },
  { name: 'mov eax, gs:[esi]', mode: 32, code: [0x65, 0x8b, 0x06], base: DATA + 16n },
  { name: 'mov eax, gs:[esi*2+0x10]', mode: 32, code: [0x65, 0x8b, 0x04, 0x75, 0x10, 0, 0, 0], base: DATA + 16n },
  { name: 'mov eax, gs:[si]', mode: 32, code: [0x65, 0x67, 0x8b, 0x04], base: DATA - 0xfff0n },
  { name: 'mov eax, gs:0x8', mode: 64, code: [0x65, 0x8b, 0x04, 0x25, 0x08, 0, 0, 0], base: DATA - 8n },
  { name: 'mov eax, gs:-8', mode: 64, code: [0x65, 0x8b, 0x04, 0x25, 0xf8, 0xff, 0xff, 0xff], base: DATA + 8n },
  {
    name: 'mov eax, gs:0x8, 32-bit address',
    mode: 64,
    code: [0x65, 0x67, 0x8b, 0x04, 0x25, 8, 0, 0, 0],
    base: DATA - 8n,
  },
  {
    name: 'mov eax, gs:[esi], 32-bit address and a base below 0',
    mode: 64,
    code: [0x65, 0x67, 0x8b, 0x06],
    base: DATA - 0xfffffff0n,
  },
]

describe.each(tiers)('a segment base is added once, behind the cut to the address size, $name', (tier) => {
  test.each(accesses)('$name in $mode-bit code', ({ mode, code, base }) => {
    // The access without its segment, of the same form; sub ecx, 1; the access; jnz to the sub; hlt.
    const loop = [...code.slice(1), 0x83, 0xe9, 0x01, ...code, 0x75, 0x100 - code.length - 5, 0xf4]
    const { machine } = machineWith(Uint8Array.from(loop), 0, tier.options)
    for (const va of [0n, 0xf000n, 0xfffff000n, 0xfffffffffffff000n]) machine.map({ va })
    machine.views.i32[machine.map({ va: DATA }) >> 2] = Number(VALUE)
    machine.vcpu.setI32(CPU.COMPAT, mode === 32 ? 1 : 0)
    machine.vcpu.setU64(CPU.GSBASE, BigInt.asUintN(64, base))
    machine.state = { rip: CODE, gpr: [0n, TURNS, 0n, 0n, 0n, 0n, 0xfffffff0n] }
    expect(tier.run(machine, 1_000)).toBe('trap')
    expect(machine.vcpu.gpr(0)).toBe(VALUE)
    expect(machine.vcpu.gpr(1)).toBe(0n)
  })
})
