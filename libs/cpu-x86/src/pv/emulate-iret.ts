import { canonical } from '../cold/slow-access.ts'
import type { Decoded } from '../decode/decoded.ts'
import { CPU } from '../state/layout.ts'
import { readRflags, writeRflags } from '../state/rflags.ts'
import { type Emulated, type EmulationContext, faultOf, GP } from './emulation.ts'
import { PV } from './pv-state.ts'
import { RF, setResumeFlag } from './resume-flag.ts'
import { codeSegment, loadSegment, SS } from './segment-loads.ts'

/** What iret changes of RFLAGS at CPL 3: neither IF nor IOPL, VM, VIF, VIP; RF is kept elsewhere. */
export const CHANGED_BY_IRET = 0x244dd5n
/** Nested task: long mode has no task to return to (SDM vol. 2, IRET). */
const NT = 0x4000n

/** The instruction itself, at ring 3 and back to ring 3: Linux serialises by it. It is no way between kernel and user mode. */
export function iretInstruction(c: EmulationContext, insn: Decoded): Emulated {
  const { vcpu, memory, descriptors } = c
  if (readRflags(vcpu) & NT) return GP
  const { size } = insn
  const compat = vcpu.i32(CPU.COMPAT) !== 0
  const words = compat ? 3 : 5
  const bytes = new Uint8Array(size * words)
  const fault = memory.access(vcpu.gpr(4), bytes, false)
  if (fault) return faultOf(fault, true)
  const view = new DataView(bytes.buffer)
  const word = (n: number): bigint =>
    size === 8
      ? view.getBigUint64(n * 8, true)
      : BigInt(size === 4 ? view.getUint32(n * 4, true) : view.getUint16(n * 2, true))
  const selector = Number(word(1) & 0xffffn)
  const code = codeSegment(descriptors, selector)
  if ('vector' in code) return code
  const rip = word(0)
  if (code.compat ? (rip & 0xffffffffn) > BigInt(code.limit) : !canonical(rip)) return GP
  if (!compat) {
    const refused = loadSegment(vcpu, descriptors, SS, Number(word(4) & 0xffffn))
    if (refused) return refused
  }
  const flags = word(2)
  writeRflags(vcpu, (readRflags(vcpu) & ~CHANGED_BY_IRET) | (flags & CHANGED_BY_IRET))
  setResumeFlag(vcpu, (flags & RF) !== 0n, true)
  const rsp = compat ? vcpu.gpr(4) + BigInt(size * words) : word(3)
  vcpu.setGpr(4, BigInt.asUintN(compat || code.compat ? 32 : 64, rsp))
  vcpu.setI32(PV.CS, selector)
  vcpu.setI32(CPU.COMPAT, code.compat)
  vcpu.rip = code.compat ? rip & 0xffffffffn : rip
  return 'jumped'
}
