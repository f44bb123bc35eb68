import { DomainCrash } from '@paravane/core'
import { FLAT_RING3_CS32, FLAT_RING3_CS64, FLAT_RING3_SS64 } from '@paravane/core/abi'
import { canonical } from '../cold/slow-access.ts'
import type { LinearMemory } from '../mmu/linear-memory.ts'
import { CPU } from '../state/layout.ts'
import { writeRflags } from '../state/rflags.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import type { UpcallMask } from './bounce-frame.ts'
import type { Descriptors } from './descriptors.ts'
import { type Exception, GP } from './emulation.ts'
import { IF, IOPL, POSSIBLE, TF, VM } from './flags.ts'
import { toggleMode } from './mode.ts'
import { PV } from './pv-state.ts'
import { RF, setResumeFlag } from './resume-flag.ts'
import { codeSegment, dataSegment, SS } from './segment-loads.ts'

/** The frame of the call in progress. */
const frame = new BigUint64Array(9)
const frameBytes = new Uint8Array(frame.buffer)
/** IOPL, VM: not the guest's; RF, which is kept elsewhere. */
const KEPT_OUT = IOPL | VM | RF
const VGCF_IN_SYSCALL = 0x100n

const RCX = 1
const R11 = 11

/**
 * HYPERVISOR_iret: RSP points at {rax, r11, rcx, flags, rip, cs, rflags, rsp, ss} (iret_context). Returns to user mode if the saved
 * CS has RPL 3 (xen/arch/x86/pv/iret.c do_iret). What the return itself raises is raised at its destination: the guest's handler
 * sees the selectors and RIP that were to be loaded. @throws DomainCrash, AbsentFrame
 */
export function iret(
  domid: number,
  vcpu: VcpuMemory,
  memory: LinearMemory,
  descriptors: Descriptors,
  mask: UpcallMask,
): Exception | 'step' | undefined {
  const fault = memory.asKernel(vcpu.gpr(4), frameBytes, false)
  if (fault) throw new DomainCrash(domid, `iret: its frame at 0x${vcpu.gpr(4).toString(16)} cannot be read`)
  const rip = frame[4]
  const savedCs = frame[5]
  const saved = frame[6]
  const rsp = frame[7]
  const toUser = (savedCs & 3n) === 3n
  if (toUser && vcpu.i32(PV.USER_ROOT) === 0)
    throw new DomainCrash(domid, 'iret to user mode without a user page table')
  if (toUser) toggleMode(vcpu)
  const cs = Number(savedCs & 0xffffn) | 3
  const ss = Number(frame[8] & 0xffffn) | 3
  const rflags = (saved & POSSIBLE & ~KEPT_OUT) | IF | 2n
  const inSyscall = (frame[3] & VGCF_IN_SYSCALL) !== 0n
  const bySysret = inSyscall && canonical(rip)
  vcpu.setGpr(0, frame[0])
  // SYSRET takes RIP and RFLAGS from these.
  vcpu.setGpr(RCX, inSyscall ? rip : frame[2])
  vcpu.setGpr(R11, inSyscall ? (saved & POSSIBLE & ~0x23000n) | IF | 2n : frame[1])
  vcpu.setGpr(4, rsp)
  vcpu.rip = rip
  writeRflags(vcpu, rflags)
  setResumeFlag(vcpu, (saved & RF) !== 0n && !bySysret, true)
  mask.set((saved & IF) === 0n ? 1 : 0)
  vcpu.setI32(PV.NMI_MASKED, 0)
  if (bySysret) {
    const is32 = cs === FLAT_RING3_CS32
    vcpu.setI32(PV.CS, is32 ? FLAT_RING3_CS32 : FLAT_RING3_CS64)
    vcpu.setI32(PV.SS, FLAT_RING3_SS64)
    vcpu.setI32(CPU.COMPAT, is32 ? 1 : 0)
    if (is32) vcpu.rip = rip & 0xffffffffn
    // The trap of a SYSRET that sets TF comes before the next instruction.
    return saved & TF ? 'step' : undefined
  }
  vcpu.setI32(PV.CS, cs)
  vcpu.setI32(PV.SS, ss)
  const code = codeSegment(descriptors, cs)
  if ('vector' in code) return code
  const stack = dataSegment(descriptors, SS, ss)
  if ('vector' in stack) return stack
  if (code.compat) {
    if ((rip & 0xffffffffn) > BigInt(code.limit)) return GP
    vcpu.rip = rip & 0xffffffffn
    vcpu.setGpr(4, rsp & 0xffffffffn)
  } else if (!canonical(rip)) return GP
  vcpu.setI32(CPU.COMPAT, code.compat)
  return undefined
}
