import { canonical } from '../cold/slow-access.ts'
import type { Decoded, SpecialOperand } from '../decode/decoded.ts'
import { CPU } from '../state/layout.ts'
import { isCode, isPresent, isSegment } from './descriptors.ts'
import { type Emulated, type EmulationContext, type Exception, faultOf, GP, UD } from './emulation.ts'
import { codeMode } from './iret.ts'
import { PV, VECTOR } from './pv-state.ts'

/** Selectors in the order of the encoding: ES, CS, SS, DS, FS, GS. */
const SELECTORS = [PV.ES, PV.CS, PV.SS, PV.DS, PV.FS, PV.GS] as const
const CS = 1
const SS = 2
const FS = 4
const GS = 5

/** mov to and from segment registers, push and pop of FS and GS, lfs and lgs. */
export function accessSegment(c: EmulationContext, insn: Decoded): Emulated {
  const { name } = insn.row
  if (name === 'push' || name === 'pop') return stackSegment(c, insn, name === 'push')
  if (name !== 'mov') return UD
  const [to, from] = insn.operands
  if (from.kind === 'sreg') {
    const size = to.kind === 'reg' ? insn.size : 2
    const fault = c.operands.write(insn, to, size, BigInt(c.vcpu.i32(SELECTORS[from.reg])))
    return fault && faultOf(fault)
  }
  const value = c.operands.read(insn, from, 2)
  if (typeof value !== 'bigint') return faultOf(value)
  return loadSegment(c, (to as SpecialOperand).reg, Number(value))
}

function stackSegment(c: EmulationContext, insn: Decoded, push: boolean): Emulated {
  const { vcpu, memory } = c
  const reg = implicitSegment(insn)
  const bytes = new Uint8Array(8)
  const size = insn.size
  const width = insn.mode
  const at = BigInt.asUintN(width, push ? vcpu.gpr(4) - BigInt(size) : vcpu.gpr(4))
  if (push) new DataView(bytes.buffer).setUint16(0, vcpu.i32(SELECTORS[reg]), true)
  const fault = memory.access(at, bytes.subarray(0, size), push)
  if (fault) return faultOf(fault)
  if (!push) {
    const refused = loadSegment(c, reg, new DataView(bytes.buffer).getUint16(0, true))
    if (refused) return refused
  }
  vcpu.setGpr(4, push ? at : BigInt.asUintN(width, at + BigInt(size)))
  return undefined
}

/** The register that PUSH and POP name by their opcode: 0F A0 and A8 FS and GS, in 32-bit mode 06 to 1F the first four. */
function implicitSegment({ row }: Decoded): number {
  if (row.map === 1) return row.code < 0xa8 ? FS : GS
  return row.code >> 3
}

/** Loads a data segment register; FS and GS take their base from the descriptor, 0 for a null selector as on Intel. */
export function loadSegment(c: EmulationContext, reg: number, selector: number): Exception | undefined {
  const { vcpu, descriptors } = c
  if (reg === CS) return UD
  const d = descriptors.read(selector)
  if ((selector & 0xfffc) === 0) {
    if (reg === SS && (selector & 3) === 3) return GP
  } else {
    const refused: Exception = { vector: VECTOR.GP, error: selector & 0xfffc }
    if (!d || !isSegment(d)) return refused
    if (isCode(d) && ((d.high & 0x200) === 0 || reg === SS)) return refused
    if (!isPresent(d)) return { vector: reg === SS ? VECTOR.SS : VECTOR.NP, error: selector & 0xfffc }
  }
  vcpu.setI32(SELECTORS[reg], selector)
  if (reg === FS) vcpu.setU64(CPU.FSBASE, d?.base ?? 0n)
  if (reg === GS) vcpu.setU64(CPU.GSBASE, d?.base ?? 0n)
  return undefined
}

/** Far return to the same privilege; far calls and jumps through memory. */
export function farBranch(c: EmulationContext, insn: Decoded): Emulated {
  if (!insn.row.name.startsWith('ret')) return UD
  const { vcpu, memory, descriptors } = c
  const size = insn.size
  const bytes = new Uint8Array(size * 2)
  const fault = memory.access(vcpu.gpr(4), bytes, false)
  if (fault) return faultOf(fault)
  const view = new DataView(bytes.buffer)
  const word = (n: number) =>
    size === 8
      ? view.getBigUint64(n * 8, true)
      : BigInt(size === 4 ? view.getUint32(n * 4, true) : view.getUint16(n * 2, true))
  const selector = Number(word(1) & 0xffffn) | 3
  const compat = codeMode(descriptors, selector)
  if (compat === undefined) return { vector: VECTOR.GP, error: selector & 0xfffc }
  if (!canonical(word(0))) return GP
  const [extra] = insn.operands
  const released = extra?.kind === 'imm' ? BigInt.asUintN(16, extra.value) : 0n
  vcpu.setGpr(4, BigInt.asUintN(64, vcpu.gpr(4) + BigInt(size * 2) + released))
  vcpu.setI32(PV.CS, selector)
  vcpu.setI32(CPU.COMPAT, compat)
  vcpu.rip = word(0)
  return 'jumped'
}
