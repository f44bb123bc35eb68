/** First light, point 3: random programs end as the host's CPU ended them, in every tier. */
import { readRecords } from '../../libs/cpu-x86/test/programs/records.ts'
import type { How, Outcome } from './point.ts'
import { runTestFiles } from './test-files.ts'

const LEAST = 20_000
/** Each has a test of its own that names it. */
const TIERS: readonly { readonly tier: string; readonly named: RegExp }[] = [
  { tier: 'the cold tier', named: /in the cold tier$/ },
  { tier: 'regions', named: /in regions/ },
  { tier: 'the slow step', named: /step by step$/ },
]

export async function programs({ short }: How): Promise<Outcome> {
  const count = readRecords().length
  const tests = await runTestFiles(
    ['libs/cpu-x86/test/programs'],
    `${count} recorded programs, in ${TIERS.map(({ tier }) => tier).join(', ')}${short ? ' (one in 20; short form)' : ''}`,
    short ? {} : { PARAVANE_PROGRAMS: 'all' },
  )
  const names = tests.facts.names
  const untried = TIERS.filter(({ named }) => !names.some((name) => named.test(name)))
  const faults = [...tests.faults, ...untried.map(({ tier }) => `no test runs them in ${tier}`)]
  if (count < LEAST) faults.push(`only ${count} programs are recorded, not ${LEAST}`)
  return { ...tests, pass: tests.pass && faults.length === 0, faults }
}
