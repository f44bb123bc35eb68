import { DOMAIN, VCPU, VCPU_UP } from '@paravane/core'
import {
  trap_info,
  VGCF_failsafe_disables_events,
  VGCF_I387_VALID,
  VGCF_IN_KERNEL,
  VGCF_online,
  VGCF_syscall_disables_events,
  vcpu_guest_context,
} from '@paravane/core/abi'
import { CPU } from '../state/layout.ts'
import { readRflags } from '../state/rflags.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { readCr0, readCr4 } from './control-registers.ts'
import { inKernel } from './mode.ts'
import type { PvDomain } from './pv-domain.ts'
import { PV } from './pv-state.ts'
import { GPR_FIELDS } from './vcpu-context.ts'

const EVENT = 0
const FAILSAFE = 1
const SYSCALL = 2

/** Writes all of a vCPU that no pCPU runs, as a toolstack reads it (xen/arch/x86/domctl.c arch_get_info_guest). */
export function readContext(domain: Pick<PvDomain, 'vcpus' | 'state'>, id: number, context: DataView): void {
  const vcpu = domain.vcpus[id]
  const c = vcpu_guest_context
  readRegisters(vcpu, context)
  for (let n = 0; n < 256; n++) {
    const [at, from] = [c.trap_ctxt.at(n), PV.TRAPS + n * PV.TRAP_BYTES]
    trap_info.vector.set(context, at, n)
    trap_info.address.set(context, at, vcpu.u64(from))
    trap_info.flags.set(context, at, vcpu.i32(from + 8))
    trap_info.cs.set(context, at, vcpu.i32(from + 12))
  }
  c.ldt_base.set(context, 0, vcpu.u64(PV.LDT_BASE))
  c.ldt_ents.setNumber(context, 0, vcpu.i32(PV.LDT_ENTRIES))
  c.gdt_ents.setNumber(context, 0, vcpu.i32(PV.GDT_ENTRIES))
  for (let n = 0; n * 512 < vcpu.i32(PV.GDT_ENTRIES); n++) {
    c.gdt_frames.setNumber(context, 0, n, vcpu.i32(PV.GDT_FRAMES + n * 4))
  }
  c.ctrlreg.set(context, 0, 0, readCr0(vcpu))
  c.ctrlreg.set(context, 0, 1, BigInt(vcpu.i32(PV.USER_ROOT)) << 12n)
  c.ctrlreg.set(context, 0, 3, BigInt(vcpu.i32(PV.KERNEL_ROOT)) << 12n)
  c.ctrlreg.set(context, 0, 4, readCr4(vcpu))
  for (let n = 0; n < 8; n++) c.debugreg.set(context, 0, n, vcpu.u64(PV.DEBUG + n * 8))
  c.event_callback_eip.set(context, 0, callback(vcpu, EVENT))
  c.failsafe_callback_eip.set(context, 0, callback(vcpu, FAILSAFE))
  c.syscall_callback_eip.set(context, 0, callback(vcpu, SYSCALL))
  c.vm_assist.setNumber(context, 0, DOMAIN.vmAssist.load(domain.state.memory, 0, 0) >>> 0)
  const isUp = (VCPU.flags.load(domain.state.memory, domain.state.vcpu(id)) & VCPU_UP) !== 0
  c.flags.setNumber(context, 0, flags(vcpu, isUp))
}

function readRegisters(vcpu: VcpuMemory, context: DataView): void {
  const c = vcpu_guest_context
  const regs = c.user_regs
  const image = vcpu.views.u8.subarray(vcpu.base + CPU.FX, vcpu.base + CPU.FX + c.fpu_ctxt.x.length)
  new Uint8Array(context.buffer, context.byteOffset).set(image)
  for (const [n, name] of GPR_FIELDS.entries()) regs[name].set(context, 0, vcpu.gpr(n))
  regs.rip.set(context, 0, vcpu.rip)
  regs.rflags.set(context, 0, readRflags(vcpu))
  for (const [at, name] of [
    [PV.CS, 'cs'],
    [PV.SS, 'ss'],
    [PV.DS, 'ds'],
    [PV.ES, 'es'],
    [PV.FS, 'fs'],
    [PV.GS, 'gs'],
  ] as const)
    regs[name].set(context, 0, vcpu.i32(at))
  c.kernel_ss.setNumber(context, 0, vcpu.i32(PV.KERNEL_SS))
  c.kernel_sp.set(context, 0, vcpu.u64(PV.KERNEL_SP))
  c.fs_base.set(context, 0, vcpu.u64(CPU.FSBASE))
  c.gs_base_kernel.set(context, 0, vcpu.u64(inKernel(vcpu) ? CPU.GSBASE : PV.GS_KERNEL))
  c.gs_base_user.set(context, 0, vcpu.u64(inKernel(vcpu) ? PV.GS_USER : CPU.GSBASE))
}

const callback = (vcpu: VcpuMemory, type: number): bigint => vcpu.u64(PV.CALLBACKS + type * 8)

function flags(vcpu: VcpuMemory, isUp: boolean): number {
  const masks = vcpu.i32(PV.CALLBACK_MASKS)
  return (
    VGCF_I387_VALID |
    (inKernel(vcpu) ? VGCF_IN_KERNEL : 0) |
    (masks & (1 << FAILSAFE) ? VGCF_failsafe_disables_events : 0) |
    (masks & (1 << SYSCALL) ? VGCF_syscall_disables_events : 0) |
    (isUp ? VGCF_online : 0)
  )
}
