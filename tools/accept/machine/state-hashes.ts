/** Boots Debian under the virtual clock, with regions or (`--cold`) without. Writes what the run was as one line of JSON. */
import { parseArgs } from 'node:util'
import { hashedRun } from '../../../apps/xend/test/e2e/state-hashes.ts'

const { values } = parseArgs({ options: { cold: { type: 'boolean', default: false }, until: { type: 'string' } } })
const run = await hashedRun({
  regions: !values.cold,
  until: values.until === undefined ? undefined : BigInt(values.until),
  progress: (line) => process.stderr.write(`${line}\n`),
})
process.stdout.write(`${JSON.stringify(run)}\n`)
