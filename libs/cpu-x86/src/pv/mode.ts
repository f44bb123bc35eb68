import { setMode } from '../state/domain-memory.ts'
import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { PV } from './pv-state.ts'

/** Host address of a frame that the hypervisor holds (a root, a descriptor table), so that it is present; 0 if there is none. */
export function frameHost(vcpu: VcpuMemory, gmfn: number): number {
  if (!(gmfn > 0 && gmfn < vcpu.i32(CPU.NR_GMFNS))) return 0
  return vcpu.views.i32[(vcpu.i32(CPU.PHYSMAP) >>> 2) + gmfn] >>> 0
}

/** Switches between kernel and user mode: page table root, TLB bank and GS base (xen/arch/x86/pv/domain.c toggle_guest_mode). */
export function toggleMode(vcpu: VcpuMemory): void {
  const toUser = vcpu.i32(CPU.USER) === 0
  vcpu.setU64(toUser ? PV.GS_KERNEL : PV.GS_USER, vcpu.u64(CPU.GSBASE))
  vcpu.setU64(CPU.GSBASE, vcpu.u64(toUser ? PV.GS_USER : PV.GS_KERNEL))
  vcpu.setI32(CPU.ROOT, frameHost(vcpu, vcpu.i32(toUser ? PV.USER_ROOT : PV.KERNEL_ROOT)))
  setMode(vcpu, toUser)
  if (toUser) vcpu.setI32(PV.USER_CACHED, 1)
}

/** Whether the vCPU runs its kernel. */
export const inKernel = (vcpu: VcpuMemory): boolean => vcpu.i32(CPU.USER) === 0
