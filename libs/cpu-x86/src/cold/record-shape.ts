import type { Decoded } from '../decode/decoded.ts'
import { REC } from './record.ts'

/** What of a record's layout depends on the form alone: who writes a record and the form's bodies agree by it. */

/** By the operand's place among those of the instruction. */
export const OPERAND_SLOTS = [REC.A, REC.B, REC.C] as const

/** Where an immediate is, and whether all of it is there or 32 bits that are sign-extended to the operation. */
interface PlaceOfConstant {
  readonly at: number
  readonly isWide: boolean
}

const WHOLE: PlaceOfConstant = { at: REC.WIDE, isWide: true }
const FIRST: PlaceOfConstant = { at: REC.IMM, isWide: false }
const SECOND: PlaceOfConstant = { at: REC.DISP, isWide: false }

/** Of the operand `n`. */
export function placeOfConstant({ operands }: Decoded, n: number): PlaceOfConstant {
  if (!operands.some(({ kind }, other) => other !== n && (kind === 'mem' || kind === 'imm'))) return WHOLE
  return operands.some(({ kind }, other) => other < n && kind === 'imm') ? SECOND : FIRST
}

const ABSOLUTE = /\bO/

/** Whether the memory operand is an address of up to 64 bits in the instruction itself, which has no immediate then. */
export function hasWideAddress({ row }: Decoded): boolean {
  return ABSOLUTE.test(row.operands)
}
