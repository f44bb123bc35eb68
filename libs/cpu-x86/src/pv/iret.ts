import { DomainCrash } from '@paravane/core'
import { FLAT_RING3_CS64 } from '@paravane/core/abi'
import { canonical } from '../cold/slow-access.ts'
import type { LinearMemory } from '../mmu/linear-memory.ts'
import { CPU } from '../state/layout.ts'
import { writeRflags } from '../state/rflags.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import type { UpcallMask } from './bounce-frame.ts'
import { type Descriptors, isCode, isLong, isPresent, isSegment } from './descriptors.ts'
import { toggleMode } from './mode.ts'
import { PV } from './pv-state.ts'

const FRAME_BYTES = 72
const IF = 0x200n
/** IOPL, VM, and the bits that IRET at CPL 3 cannot set: VIF, VIP. */
const KEPT_OUT = 0x3000n | 0x20000n | 0x180000n
/** What RFLAGS can hold (SDM vol. 1 figure 3-8). */
const POSSIBLE = 0x3f7fd7n
const VGCF_IN_SYSCALL = 0x100n

/** Outcome of loading CS and RIP: false if hardware would fault, so that the failsafe callback is due. */
export type IretOutcome = 'done' | 'failsafe'

/**
 * HYPERVISOR_iret: RSP points at {rax, r11, rcx, flags, rip, cs, rflags, rsp, ss} (iret_context). Returns to user mode if the saved
 * CS has RPL 3 (xen/arch/x86/pv/iret.c do_iret). @throws DomainCrash, AbsentFrame
 */
export function iret(
  domid: number,
  vcpu: VcpuMemory,
  memory: LinearMemory,
  descriptors: Descriptors,
  mask: UpcallMask,
): IretOutcome {
  const bytes = new Uint8Array(FRAME_BYTES)
  const fault = memory.asKernel(vcpu.gpr(4), bytes, false)
  if (fault) throw new DomainCrash(domid, `iret: its frame at 0x${vcpu.gpr(4).toString(16)} cannot be read`)
  const [rax, r11, rcx, flags, rip, cs, rflags, rsp, ss] = new BigUint64Array(bytes.buffer)
  const toUser = (cs & 3n) === 3n
  if (toUser && vcpu.i32(PV.USER_ROOT) === 0)
    throw new DomainCrash(domid, 'iret to user mode without a user page table')
  const code = Number(cs & 0xffffn) | 3
  const compat = codeMode(descriptors, code)
  if (toUser) toggleMode(vcpu)
  if ((flags & VGCF_IN_SYSCALL) === 0n) {
    vcpu.setGpr(11, r11)
    vcpu.setGpr(1, rcx)
  } else {
    // Xen leaves by SYSRET, which takes RIP and RFLAGS from these.
    vcpu.setGpr(11, rflags)
    vcpu.setGpr(1, rip)
  }
  vcpu.setGpr(0, rax)
  vcpu.setGpr(4, rsp)
  vcpu.setI32(PV.CS, code)
  vcpu.setI32(PV.SS, Number(ss & 0xffffn) | 3)
  vcpu.rip = rip
  writeRflags(vcpu, (rflags & POSSIBLE & ~KEPT_OUT) | IF | 2n)
  mask.set((rflags & IF) === 0n ? 1 : 0)
  if (compat === undefined || (compat === 0 && !canonical(rip))) return 'failsafe'
  vcpu.setI32(CPU.COMPAT, compat)
  return 'done'
}

/** 1 for a 32-bit code segment, 0 for a 64-bit one, undefined if the selector names none. */
export function codeMode(descriptors: Descriptors, selector: number): 0 | 1 | undefined {
  if (selector === FLAT_RING3_CS64) return 0
  const d = descriptors.read(selector)
  if (!d || !isSegment(d) || !isCode(d) || !isPresent(d)) return undefined
  return isLong(d) ? 0 : 1
}
