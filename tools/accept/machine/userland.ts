/** A hypervisor of its own whose guest runs jobs of tools/userland: `--vcpus N NAME ...`. Writes a line of JSON for each. */
import { parseArgs } from 'node:util'
import { jobs } from '../../userland/job-table.ts'
import { runJobs } from '../../userland/run-jobs.ts'

const { values, positionals } = parseArgs({
  options: { vcpus: { type: 'string', default: '1' } },
  allowPositionals: true,
})
const MEMORY_MIB = 2560
const progress = (line: string): void => void process.stderr.write(`${line}\n`)
const chosen = jobs(false).filter(({ name }) => positionals.includes(name))
for await (const { name, seconds, fault, output } of runJobs(chosen, {
  memory: MEMORY_MIB,
  vcpus: Number(values.vcpus),
  progress,
})) {
  progress(`${name}: ${fault ?? `${seconds} s`}`)
  if (fault !== undefined) progress(output.slice(-2000))
  process.stdout.write(`${JSON.stringify({ name, seconds, fault })}\n`)
}
