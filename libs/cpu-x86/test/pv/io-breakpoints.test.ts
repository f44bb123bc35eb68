import { EPERM } from '@paravane/core/abi'
import { describe, expect, test } from 'vitest'
import { CR4_DE } from '../../src/pv/control-registers.ts'
import { readDebugRegister, writeDebugRegister } from '../../src/pv/debug-registers.ts'
import { PV } from '../../src/pv/pv-state.ts'
import type { PvVcpu } from '../../src/pv/pv-vcpu.ts'
import { CODE, ON_DB, pvVcpu } from './pv-machine.ts'

const PORT = 0x60n
/** DR7 with breakpoint 0 enabled: on ports, one or four long. */
const ON_PORT = 0x2_0001n
const ON_PORTS = 0xe_0001n

/** The code's instruction, then hlt; DX is `port`, and breakpoint 0 is on PORT. */
function watching(code: readonly number[], port: bigint, dr7: bigint): PvVcpu {
  const pv = pvVcpu(Uint8Array.of(...code, 0xf4))
  pv.vcpu.setGpr(2, port)
  pv.vcpu.setI32(PV.CR4, CR4_DE)
  expect(writeDebugRegister(pv.vcpu, 0, PORT)).toBe(0)
  expect(writeDebugRegister(pv.vcpu, 7, dr7)).toBe(0)
  return pv
}

describe('a breakpoint on I/O ports', () => {
  test.each<[string, number[], bigint, bigint]>([
    ['in al, dx', [0xec], PORT, ON_PORT],
    ['out dx, al', [0xee], PORT, ON_PORT],
    ['in al, 0x60', [0xe4, 0x60], 0n, ON_PORT],
    ['in eax, dx that reaches it from below', [0xed], PORT - 3n, ON_PORT],
    ['in al, dx at the last of four', [0xec], PORT + 3n, ON_PORTS],
  ])('is met by %s, after the instruction', (_what, code, port, dr7) => {
    const pv = watching(code, port, dr7)
    expect(pv.run(1, true)).toBe('limit')
    expect([pv.vcpu.rip, pv.vcpu.u64(PV.DEBUG + 48) & 0xfn]).toEqual([ON_DB, 1n])
    const pushed = new Uint8Array(8)
    expect(pv.memory.asKernel(pv.vcpu.gpr(4) + 16n, pushed, false)).toBeUndefined()
    expect(new BigUint64Array(pushed.buffer)[0]).toBe(CODE + BigInt(code.length))
  })

  test.each<[string, number[], bigint, bigint]>([
    ['the port below', [0xec], PORT - 1n, ON_PORT],
    ['the port behind', [0xec], PORT + 1n, ON_PORT],
    ['the port behind four', [0xec], PORT + 4n, ON_PORTS],
  ])('is not met by %s', (_what, code, port, dr7) => {
    const pv = watching(code, port, dr7)
    pv.run(1, true)
    expect([pv.vcpu.rip === ON_DB, pv.vcpu.u64(PV.DEBUG + 48) & 0xfn]).toEqual([false, 0n])
  })

  test('needs CR4.DE, and is seen in DR7', () => {
    const { vcpu } = pvVcpu(Uint8Array.of(0xf4))
    expect(writeDebugRegister(vcpu, 7, ON_PORT)).toBe(-EPERM)
    vcpu.setI32(PV.CR4, CR4_DE)
    expect(writeDebugRegister(vcpu, 7, ON_PORT)).toBe(0)
    expect(readDebugRegister(vcpu, 7)).toBe(0x2_0401n)
  })
})
