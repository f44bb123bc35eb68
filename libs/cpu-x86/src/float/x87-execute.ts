/** Executes one x87 instruction over an FXSAVE image. */
import { FDP, setPointers, x87Pending } from './x87-state.ts'
import type { X87Context } from './x87-step.ts'
import { X87Step } from './x87-step.ts'
import { x87Row } from './x87-table.ts'

export interface X87Result {
  /** The exception to raise instead: nothing has been changed. */
  readonly fault: '#MF' | '#UD' | undefined
  /**
   * Bytes to write at the memory operand, valid until the next instruction; undefined for a store that an unmasked
   * exception suppressed.
   */
  readonly store: Uint8Array | undefined
  /** ZF, PF and CF of fcomi and its like, which clear OF, SF and AF too; undefined if RFLAGS stay. */
  readonly rflags: number | undefined
  /** What fnstsw ax puts into AX. */
  readonly ax: number | undefined
}

const refuse = (fault: '#MF' | '#UD'): X87Result => ({ fault, store: undefined, rflags: undefined, ax: undefined })
const MATH_FAULT: X87Result = refuse('#MF')
const UNDEFINED: X87Result = refuse('#UD')
const NO_MEMORY: DataView = new DataView(new ArrayBuffer(0))
const NO_CONTEXT: X87Context = {}

const step: X87Step = new X87Step()

/**
 * The state changes at once, so the caller must know before that a store will succeed, and, as `#MF` comes before a
 * page fault, ask `x87Pending` before it reads the operand of a waiting instruction.
 * @param state the 512 bytes of an FXSAVE image
 * @param opcode 0xd8 to 0xdf
 * @param memory what a load reads: `operandSize` bytes
 */
export function executeX87(
  state: DataView,
  opcode: number,
  modrm: number,
  memory?: Uint8Array,
  context: X87Context = NO_CONTEXT,
): X87Result {
  const row = x87Row(opcode, modrm)
  if (row === undefined) return UNDEFINED
  if (row.waiting && x87Pending(state)) return MATH_FAULT
  const view = memory ? new DataView(memory.buffer, memory.byteOffset, memory.byteLength) : NO_MEMORY
  step.begin(state, modrm, view, context)
  row.run(step)
  if (!row.control) {
    step.finish()
    if (context.ip !== undefined) {
      setPointers(state, ((opcode & 7) << 8) | modrm, context.ip, context.dataPointer ?? state.getBigUint64(FDP, true))
    }
  }
  return { fault: undefined, store: step.store, rflags: step.rflags, ax: step.ax }
}
