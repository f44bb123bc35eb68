/** Replays the records of a family in one tier. */
import { casesOf, checkOf, type EncodedCases } from './cases.ts'
import { disagreement } from './compare.ts'
import { Bench, type Tier } from './engine.ts'
import { exemptionOf } from './exemptions.ts'
import type { Family } from './families.ts'
import type { Case, Outcome } from './layout.ts'
import { fileOf, readRecords } from './store.ts'
import { type Variant, variantsOf } from './variants.ts'

export interface Replayed {
  readonly cases: number
  /** Regions made, where that is the tier. */
  readonly regions: number
  readonly encodings: number
  /** Texts about cases that differ, at most a few for each variant. */
  readonly found: readonly string[]
}

/** Disagreements told for each variant. */
const TOLD = 2

export const variantsOfFamily = (family: Family): readonly Variant[] =>
  family.rows.flatMap(({ row }) => (exemptionOf(row) === undefined ? variantsOf(row) : []))

/** Runs a variant's cases and tells what differs. */
export function judge(
  bench: Bench,
  variant: Variant,
  encoded: readonly EncodedCases[],
  outcomes: readonly Outcome[],
  told: number = TOLD,
): string[] {
  const found: string[] = []
  let n = 0
  for (const { cases } of encoded)
    for (const c of cases) {
      const lines = judgeOne(bench, variant, c, outcomes[n++] as Outcome)
      if (lines.length > 0 && found.length < told) found.push(lines.join('\n'))
    }
  return found
}

function judgeOne(bench: Bench, variant: Variant, c: Case, outcome: Outcome): readonly string[] {
  try {
    return disagreement(variant, c, outcome, bench.run(c))
  } catch (error) {
    return [
      `${variant.name}: ${Buffer.from(c.code).toString('hex')}: ${error instanceof Error ? error.message : String(error)}`,
    ]
  }
}

/** @param oneIn replays one variant of so many */
export function replay(family: Family, tier: Tier, oneIn: number = 1): Replayed {
  const bench = new Bench(tier)
  const byName = new Map(variantsOfFamily(family).map((variant) => [variant.name, variant]))
  const found: string[] = []
  let cases = 0
  let encodings = 0
  for (const [n, record] of readRecords(fileOf(family.name)).entries()) {
    const variant = byName.get(record.name)
    if (variant === undefined)
      throw new Error(`${family.name} has records of '${record.name}', which is not in the table: ${AGAIN}`)
    if (n % oneIn !== 0) continue
    const encoded = casesOf(variant)
    if (checkOf(encoded) !== record.check)
      throw new Error(`the cases of '${record.name}' are not those recorded: ${AGAIN}`)
    const all = encoded.flatMap(({ cases }) => cases)
    cases += all.length
    encodings += encoded.length
    found.push(...judge(bench, variant, encoded, record.outcomes(all)))
  }
  return { cases, regions: bench.regions, encodings, found }
}

const AGAIN = 'record anew with tools/record-insns/record.ts'
