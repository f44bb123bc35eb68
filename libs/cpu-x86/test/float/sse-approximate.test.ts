import { describe, expect, it } from 'vitest'
import { SSE_OP_BY_NAME } from '../../src/float/sse-ops.ts'
import { Random, single } from './operands.ts'
import { blankCase, MXCSR, record, XMM0, XMM1 } from './silicon.ts'
import { encodeSse } from './sse-encodings.ts'

/** Both sides may be off by 1.5 * 2^-12. */
const BOUND = 3 / 4096
const SMALLEST_NORMAL = 2 ** -126

const isOrdinary = (x: number): boolean => Number.isFinite(x) && Math.abs(x) >= SMALLEST_NORMAL

/** Near the bottom of the range a processor may flush what another still holds. */
const sameKind = (a: DataView, b: DataView): boolean => {
  const x = a.getFloat32(XMM0, true)
  const y = b.getFloat32(XMM0, true)
  if (Math.abs(x) < 2 * SMALLEST_NORMAL && Math.abs(y) < 2 * SMALLEST_NORMAL)
    return Object.is(Math.sign(x), Math.sign(y)) || x * y === 0
  if (isOrdinary(x) && isOrdinary(y)) return Math.abs(x - y) <= BOUND * Math.abs(y)
  return a.getUint32(XMM0, true) === b.getUint32(XMM0, true)
}

describe('approximations stay within the architectural bound and set no flags', () => {
  for (const name of ['rcpss', 'rsqrtss']) {
    it(name, () => {
      const random = new Random(6n)
      const cases = Array.from({ length: 1000 }, () => {
        const view = blankCase()
        view.setUint32(XMM1, single(random), true)
        return view
      })
      const recorded = record([{ name, insn: encodeSse(name, 0), cases }])[0] ?? []
      for (const [i, view] of cases.entries()) {
        const source = view.getUint32(XMM1, true).toString(16)
        const outcome = SSE_OP_BY_NAME.get(name)?.run(view, XMM0, XMM1, view.getUint32(MXCSR, true), 0)
        const wanted = recorded[i] ?? blankCase()
        expect({ source, outcome }).toEqual({ source, outcome: 0x1f80 })
        expect({ source, near: sameKind(view, wanted), ours: view.getFloat32(XMM0, true) }).toEqual({
          source,
          near: true,
          ours: expect.anything(),
        })
      }
    })
  }
})
