import type { Decoded, MemOperand, Operand } from '../decode/decoded.ts'
import type { AccessFault, LinearMemory } from '../mmu/linear-memory.ts'
import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { VECTOR } from './pv-state.ts'

const RDX = 2

/** Linear address of a memory operand of the instruction at RIP. */
export function linearAddress(vcpu: VcpuMemory, insn: Decoded, m: MemOperand): bigint {
  let at = m.disp
  if (m.ripRelative) at += vcpu.rip + BigInt(insn.length)
  if (m.base >= 0) at += vcpu.gpr(m.base)
  if (m.index >= 0) at += vcpu.gpr(m.index) << BigInt(m.scale)
  at = BigInt.asUintN(insn.addressSize * 8, at)
  if (m.segment !== 'none') at += vcpu.u64(m.segment === 'fs' ? CPU.FSBASE : CPU.GSBASE)
  return BigInt.asUintN(insn.mode, at)
}

/** Operands of instructions that TypeScript carries out: a value, or the fault of reading or writing it. */
export class EmulatedOperands {
  readonly #vcpu: VcpuMemory
  readonly #memory: LinearMemory

  constructor(vcpu: VcpuMemory, memory: LinearMemory) {
    this.#vcpu = vcpu
    this.#memory = memory
  }

  /** Zero-extended. */
  read(insn: Decoded, o: Operand, size: number): bigint | AccessFault {
    if (o.kind === 'reg') return BigInt.asUintN(size * 8, this.#vcpu.gpr(o.reg) >> (o.high ? 8n : 0n))
    if (o.kind === 'imm') return BigInt.asUintN(size * 8, o.value)
    if (o.kind !== 'mem') throw new TypeError(`a ${o.kind} operand cannot be read here`)
    const bytes = new Uint8Array(8)
    const fault = this.#access(insn, o, bytes.subarray(0, size), false)
    return fault ?? new DataView(bytes.buffer).getBigUint64(0, true)
  }

  write(insn: Decoded, o: Operand, size: number, value: bigint): AccessFault | undefined {
    if (o.kind === 'reg') {
      this.setRegister(o.reg, size, value, o.high)
      return undefined
    }
    if (o.kind !== 'mem') throw new TypeError(`a ${o.kind} operand cannot be written here`)
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigUint64(0, value, true)
    return this.#access(insn, o, bytes.subarray(0, size), true)
  }

  #access(insn: Decoded, o: MemOperand, bytes: Uint8Array, write: boolean): AccessFault | undefined {
    const fault = this.#memory.access(linearAddress(this.#vcpu, insn, o), bytes, write)
    return fault?.vector === VECTOR.GP && o.stack ? { ...fault, vector: VECTOR.SS } : fault
  }

  /** As hardware writes a register: 4 bytes clear the upper half, fewer keep the rest. */
  setRegister(reg: number, size: number, value: bigint, high: boolean = false): void {
    if (size >= 4) {
      this.#vcpu.setGpr(reg, BigInt.asUintN(size * 8, value))
      return
    }
    const shift = high ? 8n : 0n
    const mask = ((1n << BigInt(size * 8)) - 1n) << shift
    this.#vcpu.setGpr(reg, (this.#vcpu.gpr(reg) & ~mask) | ((value << shift) & mask))
  }
}

/** Port of an `in` or `out`. */
export function portOf(vcpu: VcpuMemory, insn: Decoded): number {
  const operand = insn.operands.find((o) => o.kind === 'imm')
  return operand ? Number(operand.value & 0xffn) : Number(vcpu.gpr(RDX) & 0xffffn)
}
