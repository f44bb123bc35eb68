import { DomainCrash } from '@paravane/core'
import { FLAT_RING3_CS64, FLAT_RING3_SS64 } from '@paravane/core/abi'
import type { LinearMemory } from '../mmu/linear-memory.ts'
import { CPU } from '../state/layout.ts'
import { readRflags, writeRflags } from '../state/rflags.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { CLEARED, DF, IF, IOPL } from './flags.ts'
import { inKernel, toggleMode } from './mode.ts'
import { PV } from './pv-state.ts'
import { RF, resumeFlag, setResumeFlag } from './resume-flag.ts'

/** Room for the longest frame: a worker enters one kernel at a time. */
const words = new BigUint64Array(12)
/** Its first so many words as bytes. */
const FRAMES: readonly Uint8Array[] = Array.from(
  { length: words.length + 1 },
  (_, n) => new Uint8Array(words.buffer, 0, n * 8),
)

const RSP = 4
const RCX = 1
const R11 = 11

/** How to enter the guest's kernel. */
export interface Bounce {
  readonly address: bigint
  /** Pushed below RIP if not negative. */
  readonly errorCode?: number
  readonly masksEvents: boolean
  /** The SYSCALL entry also clears DF. */
  readonly clearsDf?: boolean
  /** A fault, after which the instruction is to run again: RF is pushed as one. */
  readonly isFault?: boolean
  /** Selectors pushed below RIP: DS, ES, FS, GS. */
  readonly segments?: readonly number[]
  /** Why, for the operator, if it cannot be done. */
  readonly what: string
}

/** The guest's event mask byte, wherever its vcpu_info is. */
export interface UpcallMask {
  get(): number
  set(mask: number): void
}

/**
 * Enters the guest's kernel at a handler: switches to kernel mode if the vCPU is in user mode and pushes
 * SS RSP RFLAGS CS+mask RIP [error code] R11 RCX. @throws DomainCrash if there is no handler or the stack cannot be
 * written, AbsentFrame with nothing changed.
 */
export function bounce(domid: number, vcpu: VcpuMemory, memory: LinearMemory, mask: UpcallMask, to: Bounce): void {
  if (to.address === 0n) throw new DomainCrash(domid, `${to.what}: the guest has set no handler`)
  const fromKernel = inKernel(vcpu)
  const masked = mask.get()
  const before = readRflags(vcpu)
  const resume = to.isFault || resumeFlag(vcpu) ? RF : 0n
  const cs = BigInt(fromKernel ? vcpu.i32(PV.CS) & ~3 : vcpu.i32(PV.CS) | 3)
  let n = 0
  words[n++] = vcpu.gpr(RCX)
  words[n++] = vcpu.gpr(R11)
  if (to.errorCode !== undefined && to.errorCode >= 0) words[n++] = BigInt(to.errorCode)
  if (to.segments !== undefined) for (const selector of to.segments) words[n++] = BigInt(selector)
  words[n++] = vcpu.rip
  words[n++] = cs | (BigInt(masked) << 32n)
  words[n++] = (before & ~(IF | IOPL)) | (masked ? 0n : IF) | resume
  words[n++] = vcpu.gpr(RSP)
  words[n++] = BigInt(vcpu.i32(PV.SS))
  const stack = (fromKernel ? vcpu.gpr(RSP) : vcpu.u64(PV.KERNEL_SP)) & ~15n
  const rsp = BigInt.asUintN(64, stack - BigInt(n * 8))
  const fault = memory.asKernel(rsp, FRAMES[n], true)
  if (fault) {
    const at = `0x${fault.va.toString(16)}`
    throw new DomainCrash(domid, `${to.what}: its stack cannot be written at ${at}, RIP 0x${vcpu.rip.toString(16)}`)
  }
  if (!fromKernel) toggleMode(vcpu)
  vcpu.setGpr(RSP, rsp)
  const flags = (before & ~(CLEARED | IOPL | (to.clearsDf ? DF : 0n))) | IF
  writeRflags(vcpu, flags)
  setResumeFlag(vcpu, false)
  // Xen goes there by SYSRET.
  vcpu.setGpr(RCX, to.address)
  vcpu.setGpr(R11, flags)
  vcpu.setI32(PV.CS, FLAT_RING3_CS64)
  vcpu.setI32(PV.SS, FLAT_RING3_SS64)
  vcpu.setI32(CPU.COMPAT, 0)
  vcpu.rip = to.address
  if (to.masksEvents) mask.set(masked | 1)
}
