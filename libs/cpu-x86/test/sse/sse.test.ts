import { describe, expect, it } from 'vitest'
import { rows as aesRows } from '../../src/insn/aes.ts'
import { rows as crc32Rows } from '../../src/insn/crc32.ts'
import { rows as pclmulqdqRows } from '../../src/insn/pclmulqdq.ts'
import type { Row } from '../../src/insn/row.ts'
import { rows as shaRows } from '../../src/insn/sha.ts'
import { rows as floatRows } from '../../src/insn/sse-float.ts'
import { rows as compareRows } from '../../src/insn/sse-float-compare.ts'
import { rows as convertRows } from '../../src/insn/sse-float-convert.ts'
import { rows as integerRows } from '../../src/insn/sse-int.ts'
import { rows as shiftRows } from '../../src/insn/sse-int-shift.ts'
import { rows as shuffleRows } from '../../src/insn/sse-int-shuffle.ts'
import { rows as moveRows } from '../../src/insn/sse-mov.ts'
import { rows as sse41Rows } from '../../src/insn/sse41.ts'
import { rows as laneRows } from '../../src/insn/sse41-lanes.ts'
import { rows as sse42Rows } from '../../src/insn/sse42.ts'
import { rows as ssse3Rows } from '../../src/insn/ssse3.ts'
import { isFused } from '../../src/wasm/fused.ts'
import { Random } from '../float/operands.ts'
import type { NativeCase } from '../native/native.ts'
import { bodyRunner } from './bodies.ts'
import { caseOf, encodings } from './cases.ts'
import { differences } from './compare.ts'
import { edgeCases } from './edges.ts'
import { exactCases } from './exact-cases.ts'

const CASES = 40
const EXACT_CASES = 300

/** Every processor has approximations of its own; float/sse.test.ts holds ours to the error bound. */
const APPROXIMATE = /^r(cp|sqrt)[ps]s$/

const families: Readonly<Record<string, readonly Row[]>> = {
  moves: moveRows,
  'integer arithmetic': integerRows,
  shifts: shiftRows,
  shuffles: shuffleRows,
  'floating-point arithmetic': floatRows,
  comparisons: compareRows.filter(({ name }) => !APPROXIMATE.test(name)),
  conversions: convertRows,
  'SSE3 and SSSE3': ssse3Rows,
  'SSE4.1': [...sse41Rows, ...laneRows],
  'SSE4.2': [...sse42Rows, ...crc32Rows],
  AES: aesRows,
  PCLMULQDQ: pclmulqdqRows,
  SHA: shaRows,
}

describe('SSE instructions agree with the host CPU in registers, MXCSR, flags, memory and faults', () => {
  for (const [family, rows] of Object.entries(families)) {
    it(family, () => {
      const random = new Random(1n)
      const cases = rows.flatMap((row): readonly NativeCase[] =>
        encodings(random, row, CASES).map((encoding) => caseOf(random, encoding)),
      )
      expect(differences(bodyRunner(rows), cases)).toEqual([])
    })
  }
})

describe('SSE floating point agrees with the host CPU', () => {
  it('where WebAssembly is not exact any more: underflow, denormals, NaNs, limits of integers', () => {
    const rows = [...floatRows, ...compareRows, ...convertRows].filter(
      ({ name, map, operands }) => map === 1 && /^V[dqx] W[dqx]( Iub)?$/.test(operands) && !APPROXIMATE.test(name),
    )
    const cases = rows.flatMap((row, n) => edgeCases(row, n & 7))
    expect(differences(bodyRunner(rows), cases)).toEqual([])
    const exactSoFar = rows.flatMap((row, n) => edgeCases(row, n & 7, 0x1f80))
    expect(differences(bodyRunner(rows), exactSoFar)).toEqual([])
  })
  it.each([isFused(), false])(
    'on which result is the first that is not exact, told by an error that is rounded once: %s',
    (fused) => {
      const random = new Random(7n)
      const rows = [...floatRows, ...compareRows, ...convertRows].filter(
        ({ name, operands }) => /^[VG][dqxy] [WE][dqxy]( Iub)?$/.test(operands) && !APPROXIMATE.test(name),
      )
      const cases = rows.flatMap((row) => exactCases(random, row, EXACT_CASES))
      expect(differences(bodyRunner(rows, false, fused), cases)).toEqual([])
    },
  )
})

describe('SSE in compatibility mode agrees with the host CPU', () => {
  it('on registers and memory', () => {
    const rows = [...moveRows, ...shuffleRows, ...convertRows].filter(({ w }) => w !== 1)
    const random = new Random(4n)
    const isShort = (value: number): boolean => (value & 0xf0) === 0x40
    const cases = rows.flatMap((row) =>
      encodings(random, row, 12)
        .filter(({ bytes }) => !isShort(bytes[0] as number) && !isShort(bytes[1] as number))
        .map((encoding): NativeCase => {
          const test = caseOf(random, encoding)
          return { ...test, mode: 32, gpr: test.gpr.map((value) => BigInt.asUintN(32, value)) }
        }),
    )
    expect(cases.length).toBeGreaterThan(rows.length)
    expect(differences(bodyRunner(rows), cases)).toEqual([])
  })
})

describe('SSE with known immediates agrees with the host CPU', () => {
  it('on registers and memory', () => {
    const rows = Object.values(families)
      .flat()
      .filter(({ operands }) => /I/.test(operands))
    const random = new Random(6n)
    const cases = rows.flatMap((row) => encodings(random, row, CASES).map((encoding) => caseOf(random, encoding)))
    expect(differences(bodyRunner(rows, true), cases)).toEqual([])
  })
})
