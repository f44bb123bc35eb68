/** What is compared of an x87 instruction, from our side and from silicon's. */
import { executeX87 } from '../../src/float/x87-execute.ts'
import { operandSize, x87Row } from '../../src/float/x87-table.ts'
import { IN_MEM, IN_RAX, OUT_MEM, OUT_RAX, OUT_RFLAGS, OUT_TRAP, ST0 } from './silicon.ts'
import type { Instruction } from './x87-cases.ts'

export interface Outcome {
  readonly fcw: string
  readonly fsw: string
  readonly ftw: string
  readonly st: readonly string[]
  readonly memory: string
  readonly rax: string
  readonly rflags: number
  readonly trap: number
}

const ARITHMETIC_FLAGS = 0x8d5
const SIGFPE = 8
const SIGILL = 4

export const hex = (view: DataView, at: number, bytes: number): string =>
  Array.from({ length: bytes }, (_, i) =>
    view
      .getUint8(at + bytes - 1 - i)
      .toString(16)
      .padStart(2, '0'),
  ).join('')

export const registers = (view: DataView): string[] => Array.from({ length: 8 }, (_, i) => hex(view, ST0 + 16 * i, 10))

/** Instruction and data pointers in an environment image are not compared: AMD keeps them for pending exceptions only. */
function hidePointers(view: DataView, at: number, written: number): void {
  const pointers = written === 28 || written === 108 ? [12, 28] : written === 14 || written === 94 ? [6, 14] : [0, 0]
  for (let i = pointers[0] ?? 0; i < (pointers[1] ?? 0); i++) view.setUint8(at + i, 0)
}

export function ours(instruction: Instruction, input: DataView): Outcome {
  const { opcode, modrm, operandSize16 } = instruction
  const view = new DataView(input.buffer.slice(0))
  const size = operandSize(opcode, modrm, operandSize16)
  const writes = x87Row(opcode, modrm)?.access === 'w'
  const memory = new Uint8Array(view.buffer, IN_MEM, size)
  const result = executeX87(view, opcode, modrm, memory, { rflags: 0x202, operandSize16 })
  if (result.store) memory.set(result.store)
  if (result.ax !== undefined) view.setUint16(IN_RAX, result.ax, true)
  hidePointers(view, IN_MEM, writes ? size : 0)
  return {
    fcw: hex(view, 0, 2),
    fsw: hex(view, 2, 2),
    ftw: hex(view, 4, 1),
    st: registers(view),
    memory: hex(view, IN_MEM, 128),
    rax: hex(view, IN_RAX, 8),
    rflags: result.rflags ?? 0,
    trap: result.fault === '#MF' ? SIGFPE : result.fault === '#UD' ? SIGILL : 0,
  }
}

export function silicon(instruction: Instruction, output: DataView): Outcome {
  const { opcode, modrm, operandSize16 } = instruction
  const trap = Number(output.getBigUint64(OUT_TRAP, true))
  const writes = x87Row(opcode, modrm)?.access === 'w'
  hidePointers(output, OUT_MEM, writes ? operandSize(opcode, modrm, operandSize16) : 0)
  return {
    fcw: hex(output, 0, 2),
    fsw: hex(output, 2, 2),
    ftw: hex(output, 4, 1),
    st: registers(output),
    memory: hex(output, OUT_MEM, 128),
    rax: hex(output, OUT_RAX, 8),
    rflags: trap === 0 ? Number(output.getBigUint64(OUT_RFLAGS, true)) & ARITHMETIC_FLAGS : 0,
    trap,
  }
}

/** The input of a case, for a message. */
export const describeCase = (input: DataView): string =>
  `fcw ${hex(input, 0, 2)} fsw ${hex(input, 2, 2)} ftw ${hex(input, 4, 1)} memory ${hex(input, IN_MEM, 10)} st ${registers(input).slice(0, 4).join(' ')}`
