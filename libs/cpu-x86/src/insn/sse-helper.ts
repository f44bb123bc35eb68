import { XM } from '../builder/library-call.ts'
import { SSE_RFLAGS_SHIFT, SSE_TRAP } from '../float/sse-lanes.ts'
import { SSE_OPS } from '../float/sse-ops.ts'
import { CPU } from '../state/layout.ts'

/**
 * The function behind the import 'sse': one operation, exactly. `operation` is the number of the operation and, from bit 8 on, its
 * immediate. `target` and `source` are places in memory; 0 stands for the word RESULT of the vCPU, which also takes the flags of a
 * comparison as an RFLAGS image. Answers 0, or 19 with the exception flags in MXCSR and nothing else changed.
 */
export type SseHelper = (cpu: number, operation: number, target: number, source: number) => number

/** @param memory the domain's memory */
export function sseHelper(memory: DataView): SseHelper {
  return (base, operation, target, source) => {
    const cpu = base >>> 0
    const number = operation & 0xff
    const op = SSE_OPS[number]
    if (op === undefined) throw new RangeError(`SSE operation ${number} does not exist`)
    const result = cpu + CPU.RESULT
    const mxcsr = memory.getUint32(cpu + CPU.MXCSR, true)
    const outcome = op.run(memory, target >>> 0 || result, source >>> 0 || result, mxcsr, operation >>> 8)
    memory.setUint32(cpu + CPU.MXCSR, outcome & 0xffff, true)
    if ((outcome & SSE_TRAP) !== 0) return XM
    if (op.destination === 'rflags') memory.setBigUint64(result, BigInt(outcome >>> SSE_RFLAGS_SHIFT), true)
    return 0
  }
}
