import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { PV } from './pv-state.ts'

/**
 * RFLAGS.RF, which holds until one instruction is done: it is kept beside the flags as the count of retired instructions for
 * which it holds, so that translated code need not clear it. 0: it is clear.
 */

export const RF = 0x10000n

export function resumeFlag(vcpu: VcpuMemory): boolean {
  return vcpu.u64(PV.RESUME_AT) === vcpu.u64(CPU.ICOUNT) + 1n
}

/** `soon`: for a return whose own instruction is retired after this. */
export function setResumeFlag(vcpu: VcpuMemory, on: boolean, soon: boolean = false): void {
  vcpu.setU64(PV.RESUME_AT, on ? vcpu.u64(CPU.ICOUNT) + (soon ? 2n : 1n) : 0n)
}
