/**
 * What the records from silicon cover of the instruction table (`npm run coverage:insn`): a line for each row, and a failure with a
 * list if a variant has too few cases or docs/instructions.md is not up to date. `--write` writes that page.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { coverage, page } from '../libs/cpu-x86/test/records/coverage.ts'
import { readFamilies } from '../libs/cpu-x86/test/records/families.ts'

const PAGE = fileURLToPath(new URL('../docs/instructions.md', import.meta.url))

const all = coverage(await readFamilies())
for (const { named, variants, cases, exemption } of all)
  console.log(`${named.key}: ${exemption ? `exempt, ${exemption}` : `${variants.length} variants, ${cases} cases`}`)
const gaps = all.flatMap((row) => row.gaps)
const variants = all.reduce((sum, row) => sum + row.variants.length, 0)
const cases = all.reduce((sum, row) => sum + row.cases, 0)
const exempt = all.filter(({ exemption }) => exemption !== undefined).length
console.log(`${all.length} rows, ${exempt} of them exempt; ${variants} variants, ${cases} cases`)
if (gaps.length > 0) {
  console.error(`${gaps.length} variants lack cases: record them with tools/record-insns/record.ts`)
  for (const name of gaps) console.error(`  ${name}`)
  process.exitCode = 1
}
const text = page(all)
if (process.argv.includes('--write')) writeFileSync(PAGE, text)
else if (readFileSync(PAGE, 'utf8') !== text) {
  console.error('docs/instructions.md is not up to date: npm run coverage:insn -- --write')
  process.exitCode = 1
}
