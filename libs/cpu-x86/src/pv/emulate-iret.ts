import { canonical } from '../cold/slow-access.ts'
import type { Decoded } from '../decode/decoded.ts'
import { CPU } from '../state/layout.ts'
import { readRflags, writeRflags } from '../state/rflags.ts'
import { type Emulated, type EmulationContext, faultOf, GP } from './emulation.ts'
import { codeMode } from './iret.ts'
import { PV, VECTOR } from './pv-state.ts'

/** What iret changes of RFLAGS at CPL 3: neither IF nor IOPL, VM, VIF, VIP. */
const CHANGED = 0x254dd5n

/** The instruction itself, at ring 3 and back to ring 3: Linux serialises by it. It is no way between kernel and user mode. */
export function iretInstruction(c: EmulationContext, insn: Decoded): Emulated {
  const { vcpu, memory, descriptors } = c
  const { size } = insn
  const compat = vcpu.i32(CPU.COMPAT) !== 0
  const words = compat ? 3 : 5
  const bytes = new Uint8Array(size * words)
  const fault = memory.access(vcpu.gpr(4), bytes, false)
  if (fault) return faultOf(fault)
  const view = new DataView(bytes.buffer)
  const word = (n: number): bigint =>
    size === 8
      ? view.getBigUint64(n * 8, true)
      : BigInt(size === 4 ? view.getUint32(n * 4, true) : view.getUint16(n * 2, true))
  const selector = Number(word(1) & 0xffffn)
  const mode = codeMode(descriptors, selector)
  if ((selector & 3) !== 3 || mode === undefined) return { vector: VECTOR.GP, error: selector & 0xfffc }
  if (mode === 0 && !canonical(word(0))) return GP
  writeRflags(vcpu, (readRflags(vcpu) & ~CHANGED) | (word(2) & CHANGED))
  vcpu.setGpr(4, compat ? BigInt.asUintN(32, vcpu.gpr(4) + BigInt(size * words)) : word(3))
  if (!compat) vcpu.setI32(PV.SS, Number(word(4) & 0xffffn))
  vcpu.setI32(PV.CS, selector)
  vcpu.setI32(CPU.COMPAT, mode)
  vcpu.rip = word(0)
  return 'jumped'
}
