/**
 * `npm test`: the checks, then every project's tests. The last line is `N passed, N failed` over everything; a failed
 * check counts as one failure, a passed one is not counted. Arguments go to vitest.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { runChecks } from './check.ts'
import { type Totals, totals } from './vitest-totals.ts'
import { obtainXenHeaders } from './xen-headers.ts'

const REPORT = '.test-results/vitest.json'

function runVitest(args: readonly string[]): Totals {
  rmSync(REPORT, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${REPORT}`]
  const { status } = spawnSync('node_modules/.bin/vitest', ['run', ...reporters, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (!existsSync(REPORT)) throw new Error(`vitest wrote no report (exit status ${status}); its output is above`)
  return totals(JSON.parse(readFileSync(REPORT, 'utf8')), status)
}

await obtainXenHeaders().catch((error: Error) => console.error(`no Xen headers for the ABI test: ${error.message}`))
const failedChecks = runChecks()
const { passed, failed, skipped } = runVitest(process.argv.slice(2))
for (const name of failedChecks) console.log(`failed check: ${name}`)
for (const name of skipped) console.log(`skipped: ${name}`)
if (skipped.length > 0) console.log(`${skipped.length} skipped`)
const failures = failed + failedChecks.length
if (passed === 0 && failures === 0) console.log('no test ran')
process.exitCode = passed === 0 || failures > 0 ? 1 : 0
console.log(`${passed} passed, ${failures} failed`)
