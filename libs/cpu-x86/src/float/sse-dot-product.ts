/** dpps and dppd: products by imm8[7:4], a tree of sums, the sum in the lanes of imm8[3:0]. */
import { add, multiply } from './arithmetic.ts'
import { FloatEnvironment, loadMxcsr } from './environment.ts'
import type { Packed } from './format.ts'
import type { Lane, SseRun } from './sse-lanes.ts'
import { SSE_TRAP, settle } from './sse-lanes.ts'

const NOTHING: Packed = { sign: 0, biased: 0, sig: 0n }
const terms: DataView = new DataView(new ArrayBuffer(16))
const env: FloatEnvironment = new FloatEnvironment()

/** The products, and each level of sums, are a stage of their own: an unmasked exception ends the operation there. */
export const dotProduct =
  (lane: Lane): SseRun =>
  (view, dst, src, mxcsr, imm) => {
    const { format, bytes } = lane
    const count = 16 / bytes
    loadMxcsr(env, mxcsr)
    for (let i = 0; i < count; i++) {
      const at = i * bytes
      const wanted = ((imm >> (4 + i)) & 1) === 1
      const product = wanted
        ? multiply(env, format, format.precision, lane.read(view, dst + at), lane.read(view, src + at))
        : NOTHING
      lane.write(terms, at, product)
    }
    let outcome = settle(mxcsr, env.flags)
    for (let sums = count / 2; sums >= 1 && (outcome & SSE_TRAP) === 0; sums /= 2) {
      env.flags = 0
      for (let i = 0; i < sums; i++) {
        const at = 2 * i * bytes
        const sum = add(env, format, format.precision, lane.read(terms, at), lane.read(terms, at + bytes))
        lane.write(terms, i * bytes, sum)
      }
      outcome = settle(outcome, env.flags)
    }
    if ((outcome & SSE_TRAP) === 0) writeSum(view, dst, bytes, imm)
    return outcome
  }

function writeSum(view: DataView, dst: number, bytes: number, imm: number): void {
  for (let at = 0; at < 16; at += 4) {
    const wanted = ((imm >> Math.floor(at / bytes)) & 1) === 1
    view.setUint32(dst + at, wanted ? terms.getUint32(at % bytes, true) : 0, true)
  }
}
