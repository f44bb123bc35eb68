import type { Decoded, MemOperand, Operand } from '../decode/decoded.ts'
import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { OFFSET_BITS, REC, STACK_OPERAND } from './record.ts'
import { segmentIsBase } from './record-builder.ts'
import { hasWideAddress, OPERAND_SLOTS, placeOfConstant } from './record-shape.ts'

/** Where what a register operand names is kept, from the vCPU. */
function registerOffset(operand: Operand): number {
  switch (operand.kind) {
    case 'reg':
      return CPU.GPR + operand.reg * 8 + (operand.high ? 1 : 0)
    case 'xmm':
      return CPU.XMM + operand.reg * 16
    case 'mmx':
      return CPU.FX + 32 + operand.reg * 16
    default:
      return 0
  }
}

/** Writes the operands of an instruction at `offset` of its page into the record. Handler, form and HOT are the caller's. */
export function encodeOperands(vcpu: VcpuMemory, rec: number, insn: Decoded, offset: number): void {
  const { i32, u16, u64 } = vcpu.views
  u16[(rec + REC.PLACE) >> 1] = offset | (insn.length << OFFSET_BITS)
  i32[(rec + REC.TARGET) >> 2] = 0
  insn.operands.forEach((operand, n) => {
    if (operand.kind === 'mem') encodeMemory(vcpu, rec, operand, OPERAND_SLOTS[n], offset + insn.length, insn)
    else if (operand.kind === 'rel') i32[(rec + REC.IMM) >> 2] = operand.value
    else if (operand.kind === 'imm') {
      const { at, isWide } = placeOfConstant(insn, n)
      if (isWide) u64[(rec + at) >> 3] = BigInt.asUintN(64, operand.value)
      else i32[(rec + at) >> 2] = Number(BigInt.asIntN(32, operand.value))
    } else u16[(rec + OPERAND_SLOTS[n]) >> 1] = registerOffset(operand)
  })
}

function encodeMemory(
  vcpu: VcpuMemory,
  rec: number,
  operand: MemOperand,
  slot: number,
  next: number,
  insn: Decoded,
): void {
  const { i32, u8, u16, u64 } = vcpu.views
  const register = (n: number) => (n < 0 ? CPU.ZERO : CPU.GPR + n * 8)
  const segment = operand.segment === 'fs' ? CPU.FSBASE : operand.segment === 'gs' ? CPU.GSBASE : CPU.ZERO
  u16[(rec + REC.BASE) >> 1] = operand.ripRelative
    ? CPU.PAGE_VA
    : segmentIsBase(operand, insn.addressSize)
      ? segment
      : register(operand.base)
  u16[(rec + REC.INDEX) >> 1] = register(operand.index)
  u16[(rec + REC.SEGMENT) >> 1] = segment
  u8[rec + REC.SCALE] = operand.scale | (operand.stack ? STACK_OPERAND : 0)
  u8[rec + REC.MODRM] = insn.modrm
  // With the displacement it may be more than 32 bits.
  u16[(rec + slot) >> 1] = operand.ripRelative ? next : 0
  if (hasWideAddress(insn)) u64[(rec + REC.WIDE) >> 3] = BigInt.asUintN(64, operand.disp)
  else i32[(rec + REC.DISP) >> 2] = Number(BigInt.asIntN(32, operand.disp))
}
