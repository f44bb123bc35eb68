/**
 * Records what this machine's CPU makes of the instruction table. Needs an x86-64 Linux host and gcc.
 *
 *   node --conditions=@paravane/source tools/record-insns/record.ts [family ...]
 *
 * Each case is run twice: one that does not end the same way twice is refused. So is a row whose feature this host lacks.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { casesOf, checkOf } from '../../libs/cpu-x86/test/records/cases.ts'
import { lines } from '../../libs/cpu-x86/test/records/compare.ts'
import { exemptionOf } from '../../libs/cpu-x86/test/records/exemptions.ts'
import { type Family, readFamilies } from '../../libs/cpu-x86/test/records/families.ts'
import { FLAGS, flagBits } from '../../libs/cpu-x86/test/records/fields.ts'
import { runOnHost } from '../../libs/cpu-x86/test/records/host.ts'
import type { Outcome } from '../../libs/cpu-x86/test/records/layout.ts'
import { fileOf, RecordWriter } from '../../libs/cpu-x86/test/records/store.ts'
import { type Variant, variantsOf } from '../../libs/cpu-x86/test/records/variants.ts'

/** Names of features in /proc/cpuinfo, where they differ from those of the table. */
const HOST_NAMES: Readonly<Record<string, string>> = { sse3: 'pni', sha: 'sha_ni' }

const hostFlags: ReadonlySet<string> = new Set(
  (/^flags\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '').split(' '),
)

function checkHost({ row, name }: Variant): void {
  if (row.feature === undefined) return
  const flag = HOST_NAMES[row.feature] ?? row.feature
  if (!hostFlags.has(flag)) throw new Error(`this host cannot record '${name}': it lacks ${flag}`)
}

function outcomesOf(
  variant: Variant,
  first: (Outcome | undefined)[],
  second: (Outcome | undefined)[],
): readonly Outcome[] {
  return first.map((one, n) => {
    const two = second[n]
    if (!one || !two) throw new Error(`case ${n} of '${variant.name}' does not end`)
    const [a, b] = [lines(variant, one), lines(variant, two)]
    const differs = a.filter((line) => !b.includes(line))
    if (differs.length > 0) throw new Error(`case ${n} of '${variant.name}' ends in two ways: ${differs.join(', ')}`)
    return one
  })
}

function record({ name, rows }: Family): string {
  const writer = new RecordWriter()
  let variants = 0
  let count = 0
  for (const { row } of rows) {
    if (exemptionOf(row) !== undefined) continue
    const own = variantsOf(row).map((variant) => ({ variant, encoded: casesOf(variant) }))
    const cases = own.map(({ encoded }) => encoded.flatMap((e) => e.cases))
    const [first, second] = [runOnHost(cases.flat()), runOnHost(cases.flat())]
    let at = 0
    for (const [n, { variant, encoded }] of own.entries()) {
      checkHost(variant)
      const mine = cases[n] ?? []
      const outcomes = outcomesOf(variant, first.slice(at, at + mine.length), second.slice(at, at + mine.length))
      writer.add(variant.name, checkOf(encoded), mine, outcomes, FLAGS & ~flagBits(row.undefines))
      at += mine.length
      variants++
    }
    count += at
  }
  if (variants === 0) return `${name}: all exempt`
  const bytes = writer.bytes()
  writeFileSync(fileOf(name), bytes)
  return `${name}: ${rows.length} rows, ${variants} variants, ${count} cases, ${bytes.length} bytes`
}

const wanted = process.argv.slice(2)
const families = await readFamilies()
const unknown = wanted.filter((name) => !families.some((family) => family.name === name))
if (unknown.length > 0)
  throw new Error(`no family is called ${unknown.join(', ')}: ${families.map(({ name }) => name).join(' ')}`)
for (const family of families) if (wanted.length === 0 || wanted.includes(family.name)) console.log(record(family))
