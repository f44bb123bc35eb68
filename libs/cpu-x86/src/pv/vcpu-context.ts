import { handleOkay, type InitialVcpu } from '@paravane/core'
import {
  EINVAL,
  EOPNOTSUPP,
  FLAT_RING3_CS64,
  FLAT_RING3_SS64,
  trap_info,
  VGCF_failsafe_disables_events,
  VGCF_I387_VALID,
  VGCF_IN_KERNEL,
  VGCF_syscall_disables_events,
  vcpu_guest_context,
} from '@paravane/core/abi'
import { canonical } from '../cold/slow-access.ts'
import { setMode } from '../state/domain-memory.ts'
import { CPU } from '../state/layout.ts'
import { writeRflags } from '../state/rflags.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { setTaskSwitched, writeCr4 } from './control-registers.ts'
import { setCallback, setTrap } from './cpu-hypercalls.ts'
import { resetDebugRegisters, writeDebugRegister } from './debug-registers.ts'
import { frameHost, toggleMode } from './mode.ts'
import { PV } from './pv-state.ts'

const IF = 0x202n
const IOPL = 0x3000n
const TS = 8n
/** Of an FXSAVE image, what is not software's. */
const FX_BYTES = 416
const MXCSR_MASK = 0xffff

/** The first vCPU as the domain builder leaves it, in kernel mode. */
export function startVcpu(vcpu: VcpuMemory, initial: InitialVcpu): void {
  vcpu.setI32(PV.KERNEL_ROOT, Number(initial.cr3 >> 12n))
  vcpu.setI32(CPU.ROOT, frameHost(vcpu, Number(initial.cr3 >> 12n)))
  setMode(vcpu, false)
  vcpu.setGpr(4, initial.rsp)
  vcpu.setGpr(6, initial.rsi)
  vcpu.setI32(PV.CS, initial.cs)
  vcpu.setI32(PV.SS, initial.ss)
  vcpu.setI32(PV.KERNEL_SS, initial.kernelSs)
  vcpu.setU64(PV.KERNEL_SP, initial.kernelSp)
  vcpu.setU64(PV.DEBUG + 6 * 8, initial.dr6)
  vcpu.setU64(PV.DEBUG + 7 * 8, initial.dr7)
  writeRflags(vcpu, initial.rflags | IF)
  vcpu.rip = initial.rip
}

/** Page table work that a new vCPU needs; both answer 0 or -errno. */
export interface ContextHooks {
  setGdt(gmfns: readonly number[], entries: number): number
  setLdt(base: bigint, entries: number): void
  /** Takes references on the roots: kernel, and user if not 0. */
  takeRoots(kernel: number, user: number): number
}

/** By the number of the register. */
export const GPR_FIELDS = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
] as const

/** `image`, of FXSAVE, begins the context. */
function loadFpu(vcpu: VcpuMemory, image: Uint8Array): void {
  vcpu.views.u8.set(image, vcpu.base + CPU.FX)
  vcpu.setI32(CPU.MXCSR, vcpu.i32(CPU.MXCSR) & MXCSR_MASK)
  vcpu.setI32(CPU.MXCSR + 4, MXCSR_MASK)
}

/** VCPUOP_initialise: the vCPU starts in kernel mode with what its context says (xen/arch/x86/domain.c arch_set_info_guest). */
export function initialiseFromContext(vcpu: VcpuMemory, context: DataView, hooks: ContextHooks): number {
  const c = vcpu_guest_context
  const kernelRoot = Number(c.ctrlreg.get(context, 0, 3) >> 12n)
  const userRoot = Number(c.ctrlreg.get(context, 0, 1) >> 12n)
  if (vcpu.i32(PV.KERNEL_ROOT) !== 0) return vcpu.i32(PV.KERNEL_ROOT) === kernelRoot ? 0 : -EOPNOTSUPP
  const gdtEntries = c.gdt_ents.getNumber(context, 0)
  if (gdtEntries > 7168 || !allCanonical(context) || !ldtOkay(context)) return -EINVAL
  const inKernel = (c.flags.getNumber(context, 0) & VGCF_IN_KERNEL) !== 0
  if (!inKernel && userRoot === 0) return -EINVAL
  const frames = Array.from({ length: Math.ceil(gdtEntries / 512) }, (_, n) => c.gdt_frames.getNumber(context, 0, n))
  const roots = hooks.takeRoots(kernelRoot, userRoot)
  if (roots < 0) return roots
  const gdt = hooks.setGdt(frames, gdtEntries)
  if (gdt < 0) return gdt
  const ldtEntries = c.ldt_ents.getNumber(context, 0)
  hooks.setLdt(ldtEntries === 0 ? 0n : c.ldt_base.get(context, 0), ldtEntries)
  loadRegisters(vcpu, context)
  vcpu.setI32(PV.KERNEL_ROOT, kernelRoot)
  vcpu.setI32(PV.USER_ROOT, userRoot)
  vcpu.setI32(CPU.ROOT, frameHost(vcpu, kernelRoot))
  setMode(vcpu, false)
  if (!inKernel) toggleMode(vcpu)
  vcpu.flushAll()
  return 0
}

/** Addresses that the processor would refuse to hold. */
function allCanonical(context: DataView): boolean {
  const c = vcpu_guest_context
  const fields = [
    ...[c.user_regs.rip, c.user_regs.rsp, c.kernel_sp, c.fs_base, c.gs_base_kernel, c.gs_base_user],
    ...[c.event_callback_eip, c.failsafe_callback_eip, c.syscall_callback_eip],
  ]
  if (!fields.every((field) => canonical(field.get(context, 0)))) return false
  for (let n = 0; n < 256; n++) if (!canonical(trap_info.address.get(context, c.trap_ctxt.at(n)))) return false
  return true
}

/** What MMUEXT_SET_LDT checks. */
function ldtOkay(context: DataView): boolean {
  const base = vcpu_guest_context.ldt_base.get(context, 0)
  return (base & 0xfffn) === 0n && handleOkay(base) && vcpu_guest_context.ldt_ents.get(context, 0) <= 8192n
}

function loadRegisters(vcpu: VcpuMemory, context: DataView): void {
  const c = vcpu_guest_context
  const regs = c.user_regs
  for (const [n, name] of GPR_FIELDS.entries()) vcpu.setGpr(n, regs[name].get(context, 0))
  vcpu.rip = regs.rip.get(context, 0)
  writeRflags(vcpu, (regs.rflags.get(context, 0) & ~IOPL) | IF)
  vcpu.setI32(PV.CS, regs.cs.get(context, 0) ? regs.cs.get(context, 0) | 3 : FLAT_RING3_CS64)
  vcpu.setI32(PV.SS, regs.ss.get(context, 0) ? regs.ss.get(context, 0) | 3 : FLAT_RING3_SS64)
  for (let n = 0; n < 256; n++) {
    const at = c.trap_ctxt.at(n)
    setTrap(
      vcpu,
      n,
      trap_info.address.get(context, at),
      trap_info.flags.get(context, at),
      trap_info.cs.get(context, at),
    )
  }
  vcpu.setI32(PV.KERNEL_SS, c.kernel_ss.getNumber(context, 0))
  vcpu.setU64(PV.KERNEL_SP, c.kernel_sp.get(context, 0))
  vcpu.setU64(CPU.FSBASE, c.fs_base.get(context, 0))
  vcpu.setU64(CPU.GSBASE, c.gs_base_kernel.get(context, 0))
  vcpu.setU64(PV.GS_USER, c.gs_base_user.get(context, 0))
  setCallback(vcpu, 0, c.event_callback_eip.get(context, 0), true)
  const flags = c.flags.getNumber(context, 0)
  const masksIn = (flag: number): boolean => (flags & flag) !== 0
  setCallback(vcpu, 1, c.failsafe_callback_eip.get(context, 0), masksIn(VGCF_failsafe_disables_events))
  setCallback(vcpu, 2, c.syscall_callback_eip.get(context, 0), masksIn(VGCF_syscall_disables_events))
  if (masksIn(VGCF_I387_VALID)) loadFpu(vcpu, new Uint8Array(context.buffer, context.byteOffset, FX_BYTES))
  for (const [at, name] of [
    [PV.DS, 'ds'],
    [PV.ES, 'es'],
    [PV.FS, 'fs'],
    [PV.GS, 'gs'],
  ] as const)
    vcpu.setI32(at, regs[name].get(context, 0))
  setTaskSwitched(vcpu, (c.ctrlreg.get(context, 0, 0) & TS) !== 0n)
  writeCr4(vcpu, c.ctrlreg.get(context, 0, 4))
  resetDebugRegisters(vcpu)
  // What is refused stays as it is after power on.
  for (const n of [0, 1, 2, 3, 6, 7]) writeDebugRegister(vcpu, n, c.debugreg.get(context, 0, n))
}
