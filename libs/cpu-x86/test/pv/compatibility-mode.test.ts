import { FLAT_RING3_CS32 } from '@paravane/core/abi'
import { describe, expect, test } from 'vitest'
import { PV } from '../../src/pv/pv-state.ts'
import type { PvVcpu } from '../../src/pv/pv-vcpu.ts'
import { CPU } from '../../src/state/layout.ts'
import { CODE, DATA32, DATA32_BASE, pvVcpu, STACK } from './pv-machine.ts'

const SP = STACK + 0x800n
/** What the stack is filled with. */
const FILL = 0xa5

function running(code: readonly number[], bits: 32 | 64): PvVcpu {
  const pv = pvVcpu(Uint8Array.from(code))
  pv.vcpu.setI32(CPU.COMPAT, bits === 32 ? 1 : 0)
  if (bits === 32) pv.vcpu.setI32(PV.CS, FLAT_RING3_CS32)
  expect(pv.memory.asKernel(SP - 32n, new Uint8Array(64).fill(FILL), true)).toBeUndefined()
  return pv
}

function stack(pv: PvVcpu, at: bigint, length: number): number[] {
  const bytes = new Uint8Array(length)
  expect(pv.memory.asKernel(at, bytes, false)).toBeUndefined()
  return [...bytes]
}

describe('sgdt and sidt show a table of nothing', () => {
  test.each<[string, number[], 32 | 64, number]>([
    ['sgdt [esp]', [0x0f, 0x01, 0x04, 0x24], 32, 6],
    ['sidt [esp]', [0x0f, 0x01, 0x0c, 0x24], 32, 6],
    ['sgdt [rsp]', [0x0f, 0x01, 0x04, 0x24], 64, 10],
    ['sidt [rsp]', [0x0f, 0x01, 0x0c, 0x24], 64, 10],
  ])('%s, %# of %j in %i-bit mode: %i bytes', (_what, code, bits, length) => {
    const pv = running(code, bits)
    expect(pv.run(1, true)).toBe('limit')
    expect(pv.vcpu.rip).toBe(CODE + 4n)
    expect(stack(pv, SP, 12)).toEqual([...new Array(length).fill(0), ...new Array(12 - length).fill(FILL)])
  })
})

describe('segment registers on the stack of 32-bit code', () => {
  const [low, high] = [DATA32, 0]

  test.each<[string, number[], number, number]>([
    ['push es', [0x06], PV.ES, 4],
    ['push ds', [0x1e], PV.DS, 4],
    ['push fs', [0x0f, 0xa0], PV.FS, 4],
    ['push gs', [0x0f, 0xa8], PV.GS, 4],
    ['push es of 16 bits', [0x66, 0x06], PV.ES, 2],
  ])('%s', (_what, code, register, size) => {
    const pv = running(code, 32)
    pv.vcpu.setI32(register, DATA32)
    expect(pv.run(1, true)).toBe('limit')
    expect([pv.vcpu.gpr(4), pv.vcpu.rip]).toEqual([SP - BigInt(size), CODE + BigInt(code.length)])
    expect(stack(pv, SP - BigInt(size), 2)).toEqual([low, high])
    expect(stack(pv, SP - BigInt(size) - 1n, 1)).toEqual([FILL])
  })

  test.each<[string, number[], number]>([
    ['pop es', [0x07], PV.ES],
    ['pop ds', [0x1f], PV.DS],
    ['pop fs', [0x0f, 0xa1], PV.FS],
    ['pop gs', [0x0f, 0xa9], PV.GS],
  ])('%s', (_what, code, register) => {
    const pv = running(code, 32)
    pv.memory.asKernel(SP, Uint8Array.of(low, high, 0xff, 0xff), true)
    expect(pv.run(1, true)).toBe('limit')
    expect([pv.vcpu.gpr(4), pv.vcpu.i32(register)]).toEqual([SP + 4n, DATA32])
    if (register === PV.FS) expect(pv.vcpu.u64(CPU.FSBASE)).toBe(DATA32_BASE)
    if (register === PV.GS) expect(pv.vcpu.u64(CPU.GSBASE)).toBe(DATA32_BASE)
  })
})
