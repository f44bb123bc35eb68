/**
 * Runs jobs of the table in a guest, or one command of yours:
 * `node --conditions=@paravane/source tools/userland/main.ts [--vcpus N] [--memory MIB] [--log FILE] [NAME ...] [--run COMMAND]`.
 * A name may be a regular expression.
 */
import { appendFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { jobs as table } from './job-table.ts'
import { runJobs } from './run-jobs.ts'

const SHOWN_CHARACTERS = 20_000

const { values, positionals } = parseArgs({
  options: {
    vcpus: { type: 'string', default: '1' },
    memory: { type: 'string', default: '2560' },
    run: { type: 'string' },
    limit: { type: 'string', default: '3600' },
    log: { type: 'string' },
    list: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const wanted = positionals.map((text) => new RegExp(`^(${text})$`))
const all = table(values.short)
const chosen = wanted.length === 0 ? all : all.filter(({ name }) => wanted.some((pattern) => pattern.test(name)))
const jobs =
  values.run === undefined ? chosen : [{ name: 'run', script: `set +e\n${values.run}`, limit: Number(values.limit) }]
if (values.list) {
  for (const { name } of jobs) console.log(name)
  process.exit()
}
const ends = runJobs(jobs, {
  memory: Number(values.memory),
  vcpus: Number(values.vcpus),
  listener: values.log === undefined ? undefined : (bytes) => appendFileSync(values.log!, bytes),
  progress: (line) => process.stderr.write(`${line}\n`),
})
for await (const { name, seconds, output, fault } of ends) {
  console.log(`${fault === undefined ? 'pass' : 'FAIL'} ${name} ${seconds} s${fault === undefined ? '' : `: ${fault}`}`)
  if (fault === undefined && values.run === undefined) continue
  console.log(output.slice(-SHOWN_CHARACTERS))
  if (fault !== undefined) process.exitCode = 1
}
