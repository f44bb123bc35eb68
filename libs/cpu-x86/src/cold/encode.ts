import type { Decoded, MemOperand, Operand } from '../decode/decoded.ts'
import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { REC, STACK_OPERAND } from './record.ts'
import { segmentIsBase } from './record-builder.ts'

/** Host address of what a non-memory operand names, for the record at `rec`. `second` is a second immediate. */
function pointer(vcpu: VcpuMemory, rec: number, operand: Operand, second: boolean): number {
  switch (operand.kind) {
    case 'reg':
      return vcpu.base + CPU.GPR + operand.reg * 8 + (operand.high ? 1 : 0)
    case 'xmm':
      return vcpu.base + CPU.XMM + operand.reg * 16
    case 'mmx':
      return vcpu.base + CPU.FX + 32 + operand.reg * 16
    case 'imm':
      return rec + (second ? REC.DISP : REC.IMM)
    default:
      return 0
  }
}

const REGISTER_SLOTS = [REC.A, REC.B, REC.C] as const

/** Writes the operands of an instruction at `offset` of its page into the record. Handler, form and HOT are the caller's. */
export function encodeOperands(vcpu: VcpuMemory, rec: number, insn: Decoded, offset: number): void {
  const { i32, u16, u64 } = vcpu.views
  const next = offset + insn.length
  u16[(rec + REC.OFFSET) >> 1] = offset
  u16[(rec + REC.NEXT) >> 1] = next
  i32[(rec + REC.TARGET) >> 2] = 0
  let immediates = 0
  insn.operands.forEach((operand, n) => {
    if (operand.kind === 'mem') {
      encodeMemory(vcpu, rec, operand, next, insn)
      return
    }
    const second = operand.kind === 'imm' && immediates++ > 0
    if (operand.kind === 'imm') u64[(rec + (second ? REC.DISP : REC.IMM)) >> 3] = BigInt.asUintN(64, operand.value)
    else if (operand.kind === 'rel') u64[(rec + REC.IMM) >> 3] = BigInt.asUintN(64, BigInt(next + operand.value))
    i32[(rec + REGISTER_SLOTS[n]) >> 2] = pointer(vcpu, rec, operand, second)
  })
}

function encodeMemory(
  vcpu: VcpuMemory,
  rec: number,
  operand: MemOperand,
  next: number,
  { addressSize, modrm }: Decoded,
): void {
  const { i32, u64 } = vcpu.views
  const register = (n: number) => vcpu.base + (n < 0 ? CPU.ZERO : CPU.GPR + n * 8)
  const segment = vcpu.base + (operand.segment === 'fs' ? CPU.FSBASE : operand.segment === 'gs' ? CPU.GSBASE : CPU.ZERO)
  i32[(rec + REC.BASE) >> 2] = operand.ripRelative
    ? vcpu.base + CPU.PAGE_VA
    : segmentIsBase(operand, addressSize)
      ? segment
      : register(operand.base)
  i32[(rec + REC.INDEX) >> 2] = register(operand.index)
  i32[(rec + REC.SEGMENT) >> 2] = segment
  i32[(rec + REC.SCALE) >> 2] = operand.scale | (operand.stack ? STACK_OPERAND : 0) | (modrm << 16)
  const disp = operand.ripRelative ? operand.disp + BigInt(next) : operand.disp
  u64[(rec + REC.DISP) >> 3] = BigInt.asUintN(64, disp)
}
