import { expect, test } from 'vitest'
import { PV } from '../../src/pv/pv-state.ts'
import { CPU } from '../../src/state/layout.ts'
import { DATA32, DATA32_BASE, pvVcpu } from './pv-machine.ts'

/** mov fs, eax; mov gs, eax; mov ds, eax; mov es, eax; inc rbx; jmp to itself */
const LOAD = Uint8Array.of(0x8e, 0xe0, 0x8e, 0xe8, 0x8e, 0xd8, 0x8e, 0xc0, 0x48, 0xff, 0xc3, 0xeb, 0xfe)

test.each([
  [0, 0n],
  [3, 0n],
  [DATA32, DATA32_BASE],
])('loading selector %i leaves it, and its base in FS and GS', (selector, base) => {
  for (const exact of [false, true]) {
    const pv = pvVcpu(LOAD)
    const { vcpu } = pv
    vcpu.setGpr(0, 0x1234_0000n + BigInt(selector))
    vcpu.setU64(CPU.FSBASE, 0x1111n)
    vcpu.setU64(CPU.GSBASE, 0x2222n)
    expect(pv.run(5, exact)).toBe('limit')
    expect([PV.FS, PV.GS, PV.DS, PV.ES].map((at) => vcpu.i32(at))).toEqual(new Array(4).fill(selector))
    expect([vcpu.u64(CPU.FSBASE), vcpu.u64(CPU.GSBASE), vcpu.gpr(3)]).toEqual([base, base, 1n])
  }
})
