import { canonical } from '../cold/slow-access.ts'
import type { Decoded, MemOperand, RegOperand, SpecialOperand } from '../decode/decoded.ts'
import { CPU } from '../state/layout.ts'
import { type Emulated, type EmulationContext, type Exception, faultOf, GP, UD } from './emulation.ts'
import { linearAddress } from './operands.ts'
import { PV } from './pv-state.ts'
import { CS, codeSegment, DS, ES, FS, GS, loadSegment, SELECTORS, SS } from './segment-loads.ts'

/** Far pointers' segment registers, and those that push and pop name by their opcode's place. */
const FAR_POINTER: Readonly<Record<string, number>> = { lds: DS, les: ES, lss: SS, lfs: FS, lgs: GS }
const RSP = 4

/** mov to segment registers, push and pop of them, lds and its kin. */
export function accessSegment(c: EmulationContext, insn: Decoded): Emulated {
  const { name } = insn.row
  if (name === 'push' || name === 'pop') return stackSegment(c, insn, name === 'push')
  if (name !== 'mov') return farPointer(c, insn, FAR_POINTER[name])
  const [to, from] = insn.operands
  const { reg } = to as SpecialOperand
  if (reg === CS) return UD
  const value = c.operands.read(insn, from, 2)
  if (typeof value !== 'bigint') return faultOf(value)
  return load(c, reg, Number(value))
}

function load(c: EmulationContext, reg: number, selector: number): Exception | undefined {
  const refused = loadSegment(c.vcpu, c.descriptors, reg, selector)
  if (!refused && reg === SS) c.vcpu.setU64(PV.SS_LOADED_AT, c.vcpu.u64(CPU.ICOUNT) + 1n)
  return refused
}

function stackSegment(c: EmulationContext, insn: Decoded, push: boolean): Emulated {
  const { vcpu, memory } = c
  const reg = implicitSegment(insn)
  const bytes = new Uint8Array(8)
  const size = insn.size
  const width = insn.mode
  const at = BigInt.asUintN(width, push ? vcpu.gpr(RSP) - BigInt(size) : vcpu.gpr(RSP))
  if (push) new DataView(bytes.buffer).setUint16(0, vcpu.i32(SELECTORS[reg]), true)
  const fault = memory.access(at, bytes.subarray(0, size), push)
  if (fault) return faultOf(fault, true)
  if (!push) {
    const refused = load(c, reg, new DataView(bytes.buffer).getUint16(0, true))
    if (refused) return refused
  }
  vcpu.setGpr(RSP, push ? at : BigInt.asUintN(width, at + BigInt(size)))
  return undefined
}

/** The register that PUSH and POP name by their opcode: 0F A0 and A8 FS and GS, in 32-bit mode 06 to 1F the first four. */
function implicitSegment({ row }: Decoded): number {
  if (row.map === 1) return row.code < 0xa8 ? FS : GS
  return row.code >> 3
}

/** Offset and selector from memory: the pointer in `[operand]`. */
function readPointer(
  c: EmulationContext,
  insn: Decoded,
  m: MemOperand,
): { offset: bigint; selector: number } | Exception {
  const bytes = new Uint8Array(10)
  const fault = c.memory.access(linearAddress(c.vcpu, insn, m), bytes.subarray(0, insn.size + 2), false)
  if (fault) return faultOf(fault, m.stack)
  const view = new DataView(bytes.buffer)
  return {
    offset: BigInt.asUintN(insn.size * 8, view.getBigUint64(0, true)),
    selector: view.getUint16(insn.size, true),
  }
}

function farPointer(c: EmulationContext, insn: Decoded, reg: number): Emulated {
  const [to, from] = insn.operands
  const pointer = readPointer(c, insn, from as MemOperand)
  if ('vector' in pointer) return pointer
  const refused = load(c, reg, pointer.selector)
  if (refused) return refused
  c.operands.setRegister((to as RegOperand).reg, insn.size, pointer.offset)
  return undefined
}

/** Far calls, jumps and returns between code segments of ring 3. Call gates have DPL 0 here (xen check_descriptor). */
export function farBranch(c: EmulationContext, insn: Decoded): Emulated {
  if (insn.row.name.startsWith('ret')) return farReturn(c, insn)
  const isCall = insn.row.name.startsWith('call')
  const [target, second] = insn.operands
  let pointer: { offset: bigint; selector: number } | Exception
  if (target.kind === 'mem') pointer = readPointer(c, insn, target)
  else if (target.kind === 'imm' && second?.kind === 'imm')
    pointer = {
      offset: BigInt.asUintN(insn.size * 8, target.value),
      selector: Number(BigInt.asUintN(16, second.value)),
    }
  else return UD
  if ('vector' in pointer) return pointer
  const { vcpu, memory, descriptors } = c
  const code = codeSegment(descriptors, pointer.selector, true)
  if ('vector' in code) return code
  if (!reachable(code, pointer.offset)) return GP
  if (isCall) {
    const { size } = insn
    const bytes = new Uint8Array(size * 2)
    const view = new DataView(bytes.buffer)
    const put = (at: number, value: bigint): void => {
      if (size === 8) view.setBigUint64(at, value, true)
      else if (size === 4) view.setUint32(at, Number(value & 0xffffffffn), true)
      else view.setUint16(at, Number(value & 0xffffn), true)
    }
    put(0, vcpu.rip + BigInt(insn.length))
    put(size, BigInt(vcpu.i32(PV.CS)))
    const rsp = stackPointer(c, vcpu.gpr(RSP) - BigInt(bytes.length))
    const fault = memory.access(rsp, bytes, true)
    if (fault) return faultOf(fault, true)
    vcpu.setGpr(RSP, rsp)
  }
  return enter(c, (pointer.selector & ~3) | 3, code.compat, pointer.offset)
}

function farReturn(c: EmulationContext, insn: Decoded): Emulated {
  const { vcpu, memory, descriptors } = c
  const size = insn.size
  const bytes = new Uint8Array(size * 2)
  const fault = memory.access(vcpu.gpr(RSP), bytes, false)
  if (fault) return faultOf(fault, true)
  const view = new DataView(bytes.buffer)
  const word = (n: number): bigint =>
    size === 8
      ? view.getBigUint64(n * 8, true)
      : BigInt(size === 4 ? view.getUint32(n * 4, true) : view.getUint16(n * 2, true))
  const selector = Number(word(1) & 0xffffn)
  const code = codeSegment(descriptors, selector)
  if ('vector' in code) return code
  if (!reachable(code, word(0))) return GP
  const [extra] = insn.operands
  const released = extra?.kind === 'imm' ? BigInt.asUintN(16, extra.value) : 0n
  vcpu.setGpr(RSP, stackPointer(c, vcpu.gpr(RSP) + BigInt(size * 2) + released))
  return enter(c, selector, code.compat, word(0))
}

const stackPointer = (c: EmulationContext, rsp: bigint): bigint => BigInt.asUintN(c.vcpu.i32(CPU.COMPAT) ? 32 : 64, rsp)

function reachable(code: { readonly compat: 0 | 1; readonly limit: number }, rip: bigint): boolean {
  return code.compat ? (rip & 0xffffffffn) <= BigInt(code.limit) : canonical(rip)
}

function enter(c: EmulationContext, selector: number, compat: 0 | 1, rip: bigint): 'jumped' {
  const { vcpu } = c
  vcpu.setI32(PV.CS, selector)
  vcpu.setI32(CPU.COMPAT, compat)
  vcpu.rip = compat ? rip & 0xffffffffn : rip
  return 'jumped'
}
