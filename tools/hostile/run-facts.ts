/**
 * A hypervisor of its own that runs hostile guests beside a neighbour, one after the other. Writes a line of JSON, an
 * Observation, for each. `--facts a,b` chooses some, `--pcpus`, `--seed`, `--patience` say how.
 */
import { parseArgs } from 'node:util'
import { compose } from '../../apps/xend/src/compose.ts'
import { startHypervisor } from '../../libs/core/src/host/hypervisor.ts'
import { compileGuest } from './compile-guests.ts'
import { FACTS } from './fact-table.ts'
import { Neighbour } from './neighbour.ts'
import { type Ears, watchFact } from './watch-fact.ts'

void compose
const { values } = parseArgs({
  options: {
    facts: { type: 'string' },
    pcpus: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    patience: { type: 'string', default: '1' },
  },
})
const names = values.facts?.split(',')
const unknown = names?.filter((name) => !FACTS.some((fact) => fact.name === name)) ?? []
if (unknown.length > 0) throw new Error(`no such facts: ${unknown.join(', ')}`)
const pcpus = Number(values.pcpus)
const ears: Ears = { reports: [], logged: 0 }
const hypervisor = await startHypervisor({
  plugins: ['@paravane/cpu-x86', '@paravane/sched-credit'],
  pcpus,
  resolve: (specifier) => import.meta.resolve(specifier),
  guestLog: (_domid, bytes) => {
    ears.logged += bytes.length
  },
  report: (report) => ears.reports.push(report),
})
const neighbour = await Neighbour.start(hypervisor, compileGuest('heartbeat'), 'neighbour')
const run = {
  hypervisor,
  neighbour,
  ears,
  pcpus,
  kernel: compileGuest('hostile'),
  seed: Number(values.seed),
  patience: Number(values.patience),
}
for (const fact of FACTS.filter(({ name }) => names?.includes(name) ?? true)) {
  process.stdout.write(`${JSON.stringify(await watchFact(fact, run))}\n`)
}
await hypervisor.stop()
