/** The cases of a variant: a function of its name alone, so that other rows may come and go. */
import { hash } from 'node:crypto'
import { type Encoding, encodingOf } from './encode.ts'
import type { Case } from './layout.ts'
import { Random } from './random.ts'
import { applySpecials } from './special.ts'
import { State } from './state.ts'
import type { Variant } from './variants.ts'

export const CASES = 64
/** Cases of an encoding: fewer encodings where only a prefix is added. */
export const statesOf = ({ prefix, kind }: Variant): number => (prefix !== '' || kind === 'none' ? 16 : 8)

export interface EncodedCases {
  readonly encoding: Encoding
  readonly cases: readonly Case[]
}

export function casesOf(variant: Variant): readonly EncodedCases[] {
  const states = statesOf(variant)
  return Array.from({ length: CASES / states }, (_, e): EncodedCases => {
    const random = new Random(`${variant.name} # ${e}`)
    const encoding = encodingOf(variant, random)
    const cases = Array.from({ length: states }, (_, s) => {
      const state = new State(variant, encoding, random, e * states + s)
      applySpecials(state)
      return state.finish()
    })
    return { encoding, cases }
  })
}

/** Tells whether cases are those that were recorded. */
export function checkOf(encoded: readonly EncodedCases[]): number {
  const parts: Uint8Array[] = []
  const of = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength)
  for (const { cases } of encoded)
    for (const { mode, code, gpr, rflags, fx, fsbase, gsbase, patches } of cases) {
      parts.push(code, of(gpr), fx, of(new Float64Array([mode, rflags, fsbase, gsbase])))
      for (const { address, bytes } of patches) parts.push(of(new Uint32Array([address])), bytes)
    }
  return hash('sha1', Buffer.concat(parts), 'buffer').readUInt32LE(0)
}
