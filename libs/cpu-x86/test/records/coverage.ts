/** What the records cover, as data and as the page docs/instructions.md. */
import { MAKERS_OWN, type MakersOwn } from '../native/judge.ts'
import { CASES } from './cases.ts'
import { DIFFERENCES } from './differs.ts'
import { exemptionOf } from './exemptions.ts'
import type { Family, NamedRow } from './families.ts'
import { fileOf, readRecords } from './store.ts'
import { type Variant, variantsOf } from './variants.ts'

export interface RowCoverage {
  readonly family: string
  readonly named: NamedRow
  readonly variants: readonly Variant[]
  readonly cases: number
  readonly exemption: string | undefined
  /** Variants with fewer than CASES cases. */
  readonly gaps: readonly string[]
}

function coverageOf(family: Family): readonly RowCoverage[] {
  const recorded = new Map(readRecords(fileOf(family.name)).map(({ name, cases }) => [name, cases]))
  return family.rows.map((named): RowCoverage => {
    const exemption = exemptionOf(named.row)
    const variants = exemption === undefined ? variantsOf(named.row) : []
    const counts = variants.map(({ name }) => recorded.get(name) ?? 0)
    return {
      family: family.name,
      named,
      variants,
      cases: counts.reduce((sum, count) => sum + count, 0),
      exemption,
      gaps: variants.filter((_, n) => (counts[n] as number) < CASES).map(({ name }) => name),
    }
  })
}

export const coverage = (families: readonly Family[]): readonly RowCoverage[] => families.flatMap(coverageOf)

const joined = (parts: Iterable<string | number>): string => [...new Set(parts)].filter((part) => part !== '').join(' ')

/** Cells of a row of the page. */
function cells({ named: { row, key }, variants, cases, exemption }: RowCoverage): readonly string[] {
  const encoding = key.slice(row.name.length + 1).replace(/ ?(m32|m64)?( [A-Z1][^ ]*)?$/, '')
  const modes = row.mode === undefined ? '32 64' : String(row.mode)
  const sizes = joined(variants.map(({ size }) => (size === 0 ? '' : 8 * size)))
  const prefixes = joined(variants.map(({ prefix }) => (prefix === 'a' ? '67' : prefix)))
  const counts = exemption === undefined ? [String(variants.length), String(cases)] : ['exempt', exemption]
  return [row.name, encoding, row.operands, row.feature ?? '', modes, sizes, prefixes, ...counts]
}

/** As the formatter of the repository lays out tables. */
function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, n) => Math.max(3, ...[head, ...rows].map((row) => (row[n] as string).length)))
  const line = (row: readonly string[]) => `| ${row.map((cell, n) => cell.padEnd(widths[n] as number)).join(' | ')} |`
  return [head, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n')
}

const HEAD = ['row', 'encoding', 'operands', 'feature', 'modes', 'sizes', 'prefixes', 'variants', 'cases']

export function page(all: readonly RowCoverage[]): string {
  const total = all.reduce((sum, { cases }) => sum + cases, 0)
  const variants = all.reduce((sum, row) => sum + row.variants.length, 0)
  const exempt = all.filter(({ exemption }) => exemption !== undefined).length
  const reasons = new Map<string, string[]>()
  for (const { exemption, named } of all)
    if (exemption !== undefined) reasons.set(exemption, [...(reasons.get(exemption) ?? []), named.row.name])
  const families = [...new Set(all.map(({ family }) => family))]
  return `# Instructions

Written by \`npm run coverage:insn -- --write\`; do not edit.

The instruction table of \`libs/cpu-x86\` has ${all.length} rows. ${all.length - exempt} of them are recorded from silicon:
${variants} variants (mode, operand size, kind of operand, prefix), at least ${CASES} cases each, ${total} cases in all; ${exempt} are
exempt, by name. Half of the operand values are boundary values of their type; memory operands lie within a page, across
pages, at the end of what is mapped, on a read-only page, where nothing is, and where no address is. Floating point is
recorded under all rounding modes, precisions, FTZ and DAZ, masked and unmasked, with all flags. Every record is replayed in
the cold tier, in regions and in the slow step ([how-to](howto/add-an-instruction.md)).

## Exempt

${tableOf(
  ['rows', 'why'],
  [...reasons].map(([reason, names]) => [joined(names), reason]),
)}

## Where the engine may differ from the recording CPU (AMD, Zen 4)

Undefined flags are not compared. Besides:

${tableOf(
  ['rows', 'why'],
  DIFFERENCES.map(({ names, reason }) => [
    names.source === '.' ? 'all' : `\`${names.source.replaceAll('|', '\\|')}\``,
    reason,
  ]),
)}

Where the tests run on another processor, what they compare with it as they run leaves out:

${tableOf(
  ['rows', 'why'],
  Object.values(MAKERS_OWN).map(({ names, reason }: MakersOwn) => [names, reason]),
)}

## Rows

Prefixes beside 66 and REX.W, which make the sizes: segment overrides, 67, LOCK. The notation of operands is that of
\`insn/row.ts\`.
${families
  .map((family) => `\n### ${family}\n\n${tableOf(HEAD, all.filter((row) => row.family === family).map(cells))}\n`)
  .join('')}`
}
