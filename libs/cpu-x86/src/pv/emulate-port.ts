import type { Decoded, MemOperand } from '../decode/decoded.ts'
import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { type Emulated, type EmulationContext, faultOf, GP } from './emulation.ts'
import { portsAllowed } from './io-permission.ts'
import { portOf } from './operands.ts'
import { PV } from './pv-state.ts'

const RAX = 0
const RCX = 1
const RDI = 7
const CMOS_INDEX = 0x70
const PCI_ADDRESS = 0xcf8

/** Of ins. The rows of string instructions do not name it. */
const AT_RDI: MemOperand = {
  kind: 'mem',
  base: RDI,
  index: -1,
  scale: 0,
  disp: 0n,
  ripRelative: false,
  segment: 'none',
  stack: false,
  size: 0,
}

/** in, out, ins and outs. @throws AbsentFrame with nothing changed */
export function portInstruction(c: EmulationContext, insn: Decoded): Emulated {
  const { vcpu, operands } = c
  const { size } = insn
  const port = portOf(vcpu, insn)
  if (!portsAllowed(c, port, insn)) return GP
  switch (insn.row.name) {
    case 'in':
      operands.setRegister(RAX, size, readPort(vcpu, port, size))
      return undefined
    case 'out':
      writePort(vcpu, port, size, vcpu.gpr(RAX))
      return undefined
    default:
      return repeated(c, insn, () => element(c, insn, port))
  }
}

/** No port is the guest's: reads give all ones, writes go nowhere; but for the latches that Xen keeps. */
function readPort(vcpu: VcpuMemory, port: number, size: number): bigint {
  if (port === CMOS_INDEX) return BigInt(vcpu.i32(PV.CMOS_INDEX))
  if (port === PCI_ADDRESS && size === 4) return BigInt(vcpu.i32(PV.PCI_ADDRESS) >>> 0)
  return -1n
}

function writePort(vcpu: VcpuMemory, port: number, size: number, value: bigint): void {
  if (port === CMOS_INDEX) vcpu.setI32(PV.CMOS_INDEX, Number(value & 0x7fn))
  else if (port === PCI_ADDRESS && size === 4) vcpu.setI32(PV.PCI_ADDRESS, Number(value & 0xffffffffn) | 0)
}

/** One element of ins or outs, and the step of its index register. */
function element({ vcpu, operands }: EmulationContext, insn: Decoded, port: number): Emulated {
  const { size, addressSize } = insn
  const isIn = insn.row.name === 'ins'
  const memory = isIn ? AT_RDI : (insn.operands[0] as MemOperand)
  const moved = isIn
    ? operands.write(insn, memory, size, readPort(vcpu, port, size))
    : operands.read(insn, memory, size)
  if (typeof moved === 'object') return faultOf(moved)
  if (moved !== undefined) writePort(vcpu, port, size, moved)
  const step = BigInt(vcpu.i32(CPU.DF) ? -size : size)
  operands.setRegister(memory.base, addressSize, vcpu.gpr(memory.base) + step)
  return undefined
}

/** One round of a repetition; the instruction runs again for the next, so that events may come in between. */
function repeated({ vcpu, operands }: EmulationContext, insn: Decoded, round: () => Emulated): Emulated {
  if (insn.rep === 0) return round()
  const bits = insn.addressSize * 8
  const left = BigInt.asUintN(bits, vcpu.gpr(RCX))
  if (left === 0n) return undefined
  const outcome = round()
  if (outcome !== undefined) return outcome
  operands.setRegister(RCX, insn.addressSize, left - 1n)
  return left === 1n ? undefined : 'jumped'
}
