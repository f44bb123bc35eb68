import { expect, it } from 'vitest'
import { rows as compareRows } from '../../src/insn/sse-float-compare.ts'
import { Random } from '../float/operands.ts'
import { type NativeResult, runNative } from '../native/native.ts'
import { bodyRunner } from './bodies.ts'
import { caseOf, encodings } from './cases.ts'

const XMM0 = 160
const XMM_END = 416
const MXCSR = 24

/** Ours and the processor's are within 1.5 * 2^-12 of the truth each. */
const BOUND = 3 * 2 ** -12

function isClose(ours: number, theirs: number): boolean {
  return Object.is(ours, theirs) || Math.abs(ours - theirs) <= BOUND * Math.abs(theirs)
}

it('rcp and rsqrt change the same registers as the host CPU, to nearly the same values', () => {
  const rows = compareRows.filter(({ name }) => /^r(cp|sqrt)[ps]s$/.test(name))
  const random = new Random(5n)
  const cases = rows.flatMap((row) => encodings(random, row, 100).map((encoding) => caseOf(random, encoding)))
  const run = bodyRunner(rows)
  const native = runNative(cases)
  for (const [n, test] of cases.entries()) {
    const theirs = native[n] as NativeResult
    const ours = run(test)
    expect(ours.vector).toBe(theirs.signal === 0 ? -1 : theirs.vector)
    const [a, b] = [ours.fx, theirs.fx].map((fx) => new DataView(fx.buffer, fx.byteOffset)) as [DataView, DataView]
    expect(a.getUint32(MXCSR, true)).toBe(b.getUint32(MXCSR, true))
    for (let at = XMM0; at < XMM_END; at += 4) {
      if (a.getUint32(at, true) === b.getUint32(at, true)) continue
      expect({ at, close: isClose(a.getFloat32(at, true), b.getFloat32(at, true)) }).toEqual({ at, close: true })
    }
  }
})
