import { describe, expect, it } from 'vitest'
import { rows as mmxRows } from '../../src/insn/mmx.ts'
import type { Row } from '../../src/insn/row.ts'
import { rows as conversionRows } from '../../src/insn/sse-float-mmx.ts'
import { rows as x87Rows } from '../../src/insn/x87.ts'
import { Random } from '../float/operands.ts'
import type { NativeCase } from '../native/native.ts'
import { bodyRunner } from './bodies.ts'
import { caseOf, encodings } from './cases.ts'
import { differences } from './compare.ts'
import { x87Options } from './x87-states.ts'

const CASES = 30

/** Judged with an error bound in float/x87-transcendental.test.ts. */
const APPROXIMATE = /^f(2xm1|yl2x|yl2xp1|ptan|patan|sin|cos|sincos)$/

/** Stopped by an unmasked invalid operation, they leave codes and flags alone at Intel's, and report unordered at AMD's. */
const COMPARISON = /^f(u|i)?comi?p*$|^ftst$/
/** Clear C1 at Intel's, and keep it at AMD's. */
const TO_FLAGS = /^fu?comip?$/

function casesOf(rows: readonly Row[]): readonly NativeCase[] {
  const random = new Random(1n)
  return rows.flatMap((row) =>
    encodings(random, row, CASES).map((encoding) => caseOf(random, encoding, x87Options(random, row.name))),
  )
}

describe('x87 and MMX instructions agree with the host CPU in registers, status, tags, memory and faults', () => {
  const exact = x87Rows.filter(({ name }) => !APPROXIMATE.test(name))
  it('x87', () => {
    const rows = exact.filter(({ name }) => !COMPARISON.test(name))
    expect(differences(bodyRunner(rows), casesOf(rows))).toEqual([])
  })
  it('x87 comparisons, where nothing stops them', () => {
    for (const toFlags of [true, false]) {
      const rows = exact.filter(({ name }) => COMPARISON.test(name) && TO_FLAGS.test(name) === toFlags)
      const cases = casesOf(rows)
      for (const { fx } of cases) if (fx !== undefined) maskAll(fx)
      expect(differences(bodyRunner(rows), cases, toFlags ? /^fsw / : undefined)).toEqual([])
    }
  })
  it('x87 comparisons that may be stopped, but for condition codes and flags', () => {
    const rows = exact.filter(({ name }) => COMPARISON.test(name))
    expect(differences(bodyRunner(rows), casesOf(rows), /^(fsw|flags) /)).toEqual([])
  })
  it('MMX', () => {
    const rows = [...mmxRows, ...conversionRows]
    expect(differences(bodyRunner(rows), casesOf(rows))).toEqual([])
  })
})

/** All exceptions masked, none pending. */
function maskAll(fx: Uint8Array): void {
  const view = new DataView(fx.buffer)
  view.setUint16(0, view.getUint16(0, true) | 0x3f, true)
  view.setUint16(2, view.getUint16(2, true) & ~0x8080, true)
}
