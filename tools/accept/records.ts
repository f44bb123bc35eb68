/** A guest to trust: every record from silicon in every tier, and no row of the instruction table without any. */
import { coverage } from '../../libs/cpu-x86/test/records/coverage.ts'
import { readFamilies } from '../../libs/cpu-x86/test/records/families.ts'
import type { How, Outcome } from './point.ts'
import { runTestFiles } from './test-files.ts'

/** Of npm test, where regions and single steps replay a part of them. */
const TESTS = 'libs/cpu-x86/test/records'

export async function records({ short }: How): Promise<Outcome> {
  const rows = coverage(await readFamilies())
  const recorded = rows.filter(({ exemption }) => exemption === undefined)
  const sum = (of: (row: (typeof rows)[number]) => number): number => recorded.reduce((all, row) => all + of(row), 0)
  const counts = [
    `${rows.length} rows, ${rows.length - recorded.length} exempt by name`,
    `${sum(({ variants }) => variants.length)} variants with ${sum(({ cases }) => cases)} cases`,
  ].join(', ')
  const gaps = recorded.flatMap((row) => row.gaps)
  const replayed = await runTestFiles([TESTS], counts, short ? {} : { PARAVANE_RECORDS: 'all' })
  return {
    ...replayed,
    pass: replayed.pass && gaps.length === 0,
    value: replayed.value + (short ? ' (short form)' : ''),
    faults: [...gaps.map((variant) => `fewer than 64 cases: ${variant}`), ...replayed.faults],
  }
}
