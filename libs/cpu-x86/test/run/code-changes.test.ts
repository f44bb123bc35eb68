import { describe, expect, test } from 'vitest'
import type { Machine } from '../machine.ts'
import { CODE, machineWith, type Tier, tiers } from './tiers.ts'

const ALIAS = 0x700000n
const TURNS = 100

/** A loop that adds to eax, with a store before it that changes what is added. All are `mov [rdi], dl` first, `hlt` last. */
interface Patched {
  readonly name: string
  /** Offset of the code in its first page, and of the byte that the store changes. */
  readonly at: number
  readonly patch: number
  readonly code: Uint8Array
  /** What a turn of the loop adds once the byte is `byte`. */
  added(byte: number): number
}

/** add eax, 1; dec ecx; jnz to the add; hlt */
const SHORT = [0x83, 0xc0, 0x01, 0xff, 0xc9, 0x75, 0xf9, 0xf4]
/** add eax, 1; add eax, 1; dec ecx; jnz to the first; hlt */
const TWICE = [0x83, 0xc0, 0x01, 0x83, 0xc0, 0x01, 0xff, 0xc9, 0x75, 0xf6, 0xf4]
/** add eax, 0x01010101; dec ecx; jnz to the add; hlt */
const LONG = [0x05, 0x01, 0x01, 0x01, 0x01, 0xff, 0xc9, 0x75, 0xf7, 0xf4]
const STORE = [0x88, 0x17]

const programs: readonly Patched[] = [
  { name: 'in its page', at: 0x100, patch: 0x104, code: Uint8Array.of(...STORE, ...SHORT), added: (byte) => byte },
  {
    name: 'that crosses pages, in the first',
    at: 0xffb,
    patch: 0xffe,
    code: Uint8Array.of(...STORE, ...LONG),
    added: (byte) => 0x01010100 + byte,
  },
  {
    name: 'that crosses pages, in the second',
    at: 0xffb,
    patch: 0x1001,
    code: Uint8Array.of(...STORE, ...LONG),
    added: (byte) => 0x00010101 + byte * 0x1000000,
  },
  {
    name: 'in the page after, where the run goes on',
    at: 0xffb,
    patch: 0x1002,
    code: Uint8Array.of(...STORE, ...TWICE),
    added: (byte) => 1 + byte,
  },
]

/** eax after the program ran to its hlt. */
function result(tier: Tier, machine: Machine, at: number, store: bigint, byte: number): number {
  machine.state = { rip: CODE + BigInt(at), gpr: [0n, BigInt(TURNS), BigInt(byte), 0n, 0n, 0n, 0n, store] }
  expect(tier.run(machine, 1_000_000)).toBe('trap')
  return Number(machine.vcpu.gpr(0))
}

describe.each(tiers)('code that changes, run $name', (tier) => {
  describe.each(programs)('an instruction $name', ({ at, patch, code, added }) => {
    const sum = (byte: number): number => (added(byte) * TURNS) >>> 0

    test('is run as the guest stored it last', () => {
      const { machine } = machineWith(code, at, tier.options)
      for (const byte of [1, 5, 1, 7]) expect(result(tier, machine, at, CODE + BigInt(patch), byte)).toBe(sum(byte))
    })

    test('is run as it was stored through another mapping', () => {
      const { machine, pages } = machineWith(code, at, tier.options)
      const frame = (pages[patch >> 12] - machine.host(0)) >> 12
      machine.map({ va: ALIAS, frame })
      for (const byte of [1, 5, 1, 7])
        expect(result(tier, machine, at, ALIAS + BigInt(patch & 4095), byte)).toBe(sum(byte))
    })
  })

  test('a store takes effect on the very next instruction, each time round', () => {
    // mov [rdi], dl; add eax, 1; inc edx; dec ecx; jnz to the mov; hlt
    const code = Uint8Array.of(...STORE, 0x83, 0xc0, 0x01, 0xff, 0xc2, 0xff, 0xc9, 0x75, 0xf5, 0xf4)
    const { machine } = machineWith(code, 0, tier.options)
    expect(result(tier, machine, 0, CODE + 4n, 1)).toBe((TURNS * (TURNS + 1)) / 2)
  })

  test('an instruction that crosses into a page that was mapped anew has the new bytes', () => {
    const at = 0xffb
    const { machine, pages } = machineWith(Uint8Array.of(...STORE, ...LONG), at, tier.options)
    const old = (pages[1] - machine.host(0)) >> 12
    const scratch = machine.map({ va: ALIAS })
    const other = machine.map({ va: CODE + 0x1000n })
    machine.write(other, machine.views.u8.slice(pages[1], pages[1] + 16))
    machine.write(other + 1, Uint8Array.of(3))
    const run = (frame: number): number => {
      machine.map({ va: CODE + 0x1000n, frame })
      return result(tier, machine, at, ALIAS, 0)
    }
    const frameOf = (host: number): number => (host - machine.host(0)) >> 12
    const sums = [old, frameOf(other), old, frameOf(other)].map(run)
    expect(sums).toEqual([1, 3, 1, 3].map((byte) => ((0x010101 + byte * 0x1000000) * TURNS) >>> 0))
    expect(scratch).not.toBe(other)
  })
})
