/** States of x87 and MMX registers, and memory operands of their instructions. */
import { extended, type Random } from '../float/operands.ts'
import { makeState } from '../float/x87-cases.ts'
import { type CaseOptions, vector } from './cases.ts'

const MXCSR = 24
const ST0 = 32
const XMM0 = 160

/** The x87 part of a random image. */
function image(random: Random, fx: Uint8Array): void {
  const state = new Uint8Array(makeState(random).buffer)
  fx.set(state.subarray(0, MXCSR))
  fx.set(state.subarray(ST0, XMM0), ST0)
}

/** What an instruction of that name finds in memory. */
function content(name: string): (random: Random) => Uint8Array {
  return (random) => {
    if (name === 'fbld') {
      const digits = (): number => random.below(10) | (random.below(10) << 4)
      return Uint8Array.from({ length: 16 }, (_, i) => (i === 9 ? random.below(2) << 7 : digits()))
    }
    if (name === 'fldenv' || name === 'frstor') return Uint8Array.from({ length: 128 }, () => random.below(256))
    if (random.below(2) === 0) return Uint8Array.from([...vector(random), ...vector(random)])
    const bytes = new DataView(new ArrayBuffer(16))
    const { signExp, sig } = extended(random)
    bytes.setBigUint64(0, sig, true)
    bytes.setUint16(8, signExp, true)
    return new Uint8Array(bytes.buffer)
  }
}

export const x87Options = (random: Random, name: string): CaseOptions => ({
  image: (fx) => image(random, fx),
  content: content(name),
})
