/** A scalar SSE operation as a pure function of bit patterns. */
import { ALL_EXCEPTIONS } from './environment.ts'
import { SSE_RFLAGS_SHIFT, SSE_TRAP } from './sse-lanes.ts'
import type { SseOp } from './sse-ops.ts'

export interface ScalarResult {
  /** The result, `dstBytes` wide; meaningless if `trap`. */
  readonly bits: bigint
  /** Exception flags that this operation raised, IE (bit 0) to PE (bit 5). */
  readonly flags: number
  /** CF, PF and ZF of a comparison. */
  readonly rflags: number
  /** An unmasked exception: #XM is due and nothing may be written. */
  readonly trap: boolean
}

const operands: DataView = new DataView(new ArrayBuffer(32))

/**
 * @param a bits of the destination operand (unused by operations of one operand)
 * @param b bits of the source operand
 */
export function sseScalar(op: SseOp, a: bigint, b: bigint, mxcsr: number, imm: number = 0): ScalarResult {
  operands.setBigUint64(0, a, true)
  operands.setBigUint64(16, b, true)
  const outcome = op.run(operands, 0, 16, mxcsr & ~ALL_EXCEPTIONS, imm)
  return {
    bits: BigInt.asUintN(op.dstBytes * 8, operands.getBigUint64(0, true)),
    flags: outcome & ALL_EXCEPTIONS,
    rflags: outcome >>> SSE_RFLAGS_SHIFT,
    trap: (outcome & SSE_TRAP) !== 0,
  }
}
