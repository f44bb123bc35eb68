import { executeX87 } from '../float/x87-execute.ts'
import { FTW, setTop } from '../float/x87-state.ts'
import { operandSize, x87Row } from '../float/x87-table.ts'
import { CPU } from '../state/layout.ts'

/** Vectors of #UD and of #MF, a pending x87 exception. */
const UD = 6
export const MF = 16

/** Operation that brings the registers into MMX order (see mmx.ts) instead of an opcode. */
export const ENTER_MMX = 0x0f
/** Added to the opcode: a 66 prefix was there. */
export const OPERAND_SIZE_16 = 0x100

/**
 * The function behind the import 'x87': one instruction, D8 to DF, over the vCPU's FXSAVE image. `address` is the place of the memory
 * operand, checked before for all its bytes; 0 without one. The word RESULT of the vCPU gives RFLAGS to fcmovcc, and takes the flags of
 * fcomi and its like as an RFLAGS image and the status word of fnstsw ax. Answers 0, or the vector to raise with nothing changed.
 */
export type X87Helper = (cpu: number, operation: number, modrm: number, address: number) => number

/** @param memory the domain's memory */
export function x87Helper(memory: DataView): X87Helper {
  const states = new Map<number, DataView>()
  const bytes = new Uint8Array(memory.buffer, memory.byteOffset, memory.byteLength)
  const stateOf = (cpu: number): DataView => {
    const known = states.get(cpu)
    if (known !== undefined) return known
    const state = new DataView(memory.buffer, memory.byteOffset + cpu + CPU.FX, 512)
    states.set(cpu, state)
    return state
  }
  return (base, operation, modrm, address) => {
    const cpu = base >>> 0
    const state = stateOf(cpu)
    if (operation === ENTER_MMX) return enterMmx(state)
    const opcode = operation & 0xff
    const operandSize16 = (operation & OPERAND_SIZE_16) !== 0
    const at = address >>> 0
    const reads = x87Row(opcode, modrm)?.access === 'r'
    const operand = reads ? bytes.slice(at, at + operandSize(opcode, modrm, operandSize16)) : undefined
    const rflags = memory.getUint32(cpu + CPU.RESULT, true)
    const ip = memory.getBigUint64(cpu + CPU.X87_IP, true)
    const dataPointer = modrm < 0xc0 ? memory.getBigUint64(cpu + CPU.X87_DP, true) : undefined
    const result = executeX87(state, opcode, modrm, operand, { operandSize16, rflags, ip, dataPointer })
    if (result.fault !== undefined) return result.fault === '#MF' ? MF : UD
    if (result.store !== undefined) bytes.set(result.store, at)
    const word = result.rflags ?? result.ax
    if (word !== undefined) memory.setBigUint64(cpu + CPU.RESULT, BigInt(word), true)
    return 0
  }
}

/** TOP becomes 0 and all tags valid. ST(i) is then where mm(i) is. */
function enterMmx(state: DataView): number {
  setTop(state, 0)
  state.setUint8(FTW, 0xff)
  return 0
}
