import { expect, test } from 'vitest'
import type { PvVcpu } from '../../src/pv/pv-vcpu.ts'
import { CPU } from '../../src/state/layout.ts'
import { CODE, ON_DB, ON_GP, pvVcpu, STACK } from './pv-machine.ts'

const TF = 0x100n

/** Five times inc rax; then hlt, which a guest may not do at all. */
const STEPPED = Uint8Array.of(...new Array(5).fill([0x48, 0xff, 0xc0]).flat(), 0xf4)
/** add rsp, 16; or dword [rsp + 8], 3; inc rbx; iretq */
const COUNT_AND_RETURN = Uint8Array.of(
  ...[0x48, 0x83, 0xc4, 0x10, 0x83, 0x4c, 0x24, 0x08, 0x03],
  ...[0x48, 0xff, 0xc3, 0x48, 0xcf],
)

/** A vCPU that is about to run STEPPED, step by step. */
function stepping(): PvVcpu {
  const pv = pvVcpu(STEPPED, COUNT_AND_RETURN)
  pv.vcpu.setGpr(4, STACK + 0x800n)
  pv.vcpu.setU64(CPU.RFLAGS, TF | 0x202n)
  return pv
}

/** What the frame on the vCPU's stack says of where it came from; RCX and R11 are below. */
function interrupted({ memory, vcpu }: PvVcpu): { rip: bigint; tf: boolean } {
  const bytes = new Uint8Array(40)
  expect(memory.asKernel(vcpu.gpr(4) + 16n, bytes, false)).toBeUndefined()
  const words = new BigUint64Array(bytes.buffer)
  return { rip: words[0], tf: (words[2] & TF) !== 0n }
}

test('a vCPU with TF set is in its #DB handler after one instruction, with TF clear', () => {
  const pv = stepping()
  expect(pv.run(1, true)).toBe('limit')
  const { vcpu } = pv
  expect([vcpu.gpr(0), vcpu.rip, vcpu.u64(CPU.RFLAGS) & TF]).toEqual([1n, ON_DB, 0n])
  expect(interrupted(pv)).toEqual({ rip: CODE + 3n, tf: true })
})

test('a handler that returns sees every instruction; one that faults goes to its own handler instead', () => {
  const pv = stepping()
  expect(pv.run(100, true)).toBe('limit')
  const { vcpu } = pv
  expect([vcpu.gpr(0), vcpu.gpr(3), vcpu.rip]).toEqual([5n, 5n, ON_GP])
})
