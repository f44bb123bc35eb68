import { expect, it } from 'vitest'
import { CPU } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'
import { initialFx } from '../native/native.ts'
import { helpers } from './tiers.ts'

const CODE = 0x400000n
const DATA = 0x500000n
const RDI = 7
const XMM0 = 160
const MM0 = 32

/** maskmovdqu xmm0, xmm1 and maskmovq mm0, mm1 with prefixes before. */
const STORES = { xmm: [0x66, 0x0f, 0xf7, 0xc1], mmx: [0x0f, 0xf7, 0xc1] } as const

it.each([
  ['xmm', [], 0n],
  ['xmm', [0x64], 0x100n],
  ['xmm', [0x65], 0x200n],
  ['xmm', [0x67, 0x65], 0x200n],
  ['mmx', [0x65], 0x200n],
] as const)(
  'a masked store of %s after prefixes %j goes to RDI and the base of its segment',
  (kind, prefixes, base) => {
    const machine = new Machine({ helpers })
    machine.user(true)
    const code = machine.map({ va: CODE })
    const data = machine.map({ va: DATA })
    const { vcpu, views } = machine
    for (const how of ['run', 'steps'] as const) {
      views.u8.fill(0, data, data + 4096)
      vcpu.setU64(CPU.FSBASE, 0x100n)
      vcpu.setU64(CPU.GSBASE, 0x200n)
      machine.write(code, Uint8Array.of(...prefixes, ...STORES[kind], 0xeb, 0xfe))
      const fx = initialFx()
      const register = kind === 'xmm' ? XMM0 : MM0
      fx.fill(0x77, register, register + 8)
      fx[register + 16 + 3] = 0x80
      views.u8.set(fx, vcpu.base + CPU.FX)
      const gpr = Array.from({ length: 16 }, (_, n) => (n === RDI ? DATA : 0n))
      machine.state = { gpr, rip: CODE, rflags: 0x202n }
      expect(machine[how](2)).toBe('limit')
      const written = [...views.u8.subarray(data, data + 4096).entries()].filter(([, byte]) => byte !== 0)
      expect(written).toEqual([[Number(base) + 3, 0x77]])
    }
  },
)
