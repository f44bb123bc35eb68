import { describe, expect, it } from 'vitest'
import type { Row } from '../../src/insn/row.ts'
import { rows as table } from '../../src/insn/table.ts'
import { DEFAULT_POLICY } from '../../src/state/policy.ts'
import { Random } from '../float/operands.ts'
import { DATA, type NativeCase } from '../native/native.ts'
import { type CaseOptions, caseOf, type Encoding, encodings } from './cases.ts'
import { differences } from './compare.ts'
import { tierRunner } from './tiers.ts'
import { x87Options } from './x87-states.ts'

const PAGE = DATA + 4096

/** Offered instructions on xmm registers, with results that do not depend on the processor. */
const rows: readonly Row[] = table.filter(
  ({ name, operands, feature }) =>
    /[VWU][a-z]/.test(operands) &&
    !/^r(cp|sqrt)[ps]s$/.test(name) &&
    (feature === undefined || DEFAULT_POLICY.offers(feature)),
)
const loads: readonly Row[] = rows.filter(({ operands }) => /[EWMQ][a-z]/.test(operands))

/** x87 and MMX instructions with memory operands; comparisons depend on the processor (see x87.test.ts). */
const x87Loads: readonly Row[] = table.filter(
  ({ name, operands, feature }) =>
    (operands === 'Mn' && /^f[^x]/.test(name) && !/com|ftst/.test(name)) ||
    (feature === undefined && /Q[a-z]/.test(operands)),
)

const isMemory = ({ bytes }: Encoding): boolean => bytes.includes(0x10)

/** Instructions with a memory operand at `at`, or that many bytes before it. */
function memoryCases(
  rows: readonly Row[],
  at: (random: Random) => number,
  options: (random: Random, row: Row) => CaseOptions = () => ({}),
): readonly NativeCase[] {
  const random = new Random(3n)
  return rows.flatMap((row) =>
    encodings(random, row, 6)
      .filter(isMemory)
      .map((encoding) => caseOf(random, encoding, { ...options(random, row), at: at(random) })),
  )
}

describe.each(['cold', 'step', 'region'] as const)('SSE in the %s tier agrees with the host CPU', (tier) => {
  const run = tierRunner(tier)
  it('on registers and memory', () => {
    const random = new Random(2n)
    const cases = rows.flatMap((row) => encodings(random, row, 4).map((encoding) => caseOf(random, encoding)))
    expect(differences(run, cases)).toEqual([])
    if (tier === 'region') expect(run.regions()).toBeGreaterThan(cases.length / 2)
  })
  it('on memory across two pages', () => {
    const cases = memoryCases(loads, (random) => PAGE - 16 + random.below(16))
    expect(differences(run, cases)).toEqual([])
  })
  it('on x87 and MMX memory across two pages', () => {
    const at = (random: Random): number => PAGE - random.below(128)
    const cases = memoryCases(x87Loads, at, (random, { name }) => x87Options(random, name))
    expect(differences(run, cases)).toEqual([])
  })
  it('on memory that is not there, aligned or not', () => {
    const cases = memoryCases(loads, (random) => PAGE + 4096 - random.below(20))
    expect(differences(run, cases.map(reachable))).toEqual([])
  })
})

/** Without content beyond the pages of the judge. */
function reachable(test: NativeCase): NativeCase {
  return { ...test, memory: test.memory?.filter(({ address }) => address < PAGE + 4096) ?? [] }
}
