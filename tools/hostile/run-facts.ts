/**
 * A hypervisor of its own that runs hostile guests beside a neighbour, one after the other. Writes a line of JSON, an
 * Observation, for each. `--facts a,b` chooses some, `--pcpus`, `--seed`, `--patience` say how.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startHypervisor } from '../../libs/core/src/host/hypervisor.ts'
import { compileGuest } from './compile-guests.ts'
import { FACTS } from './fact-table.ts'
import { type Heartbeat, Neighbour } from './neighbour.ts'
import { type Ears, watchFact } from './watch-fact.ts'

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
// Compiling blocks this thread, which is domain 0: nobody lives yet.
const kernels = { heartbeat: compileGuest('heartbeat'), hostile: compileGuest('hostile') }
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
const neighbour = await Neighbour.start(hypervisor, kernels.heartbeat, 'neighbour')
/** A guest that occupies every pCPU once, so that each has compiled what all guests share; then the neighbour is left alone. */
const CONTROL_MS = 1000
async function warmUp(): Promise<Heartbeat> {
  const kernel = { bytes: kernels.hostile, name: 'the hostile guest' }
  const request = { name: 'warm', kernel, cmdline: 'fact=ipi-storm', memory: 8, vcpus: Math.max(2, pcpus) }
  const warm = await hypervisor.createDomain(request)
  warm.unpause()
  await delay(CONTROL_MS)
  await warm.destroy()
  const begin = performance.now()
  await delay(CONTROL_MS)
  return neighbour.since(begin)
}

const run = {
  hypervisor,
  neighbour,
  alone: await warmUp(),
  ears,
  pcpus,
  kernel: kernels.hostile,
  seed: Number(values.seed),
  patience: Number(values.patience),
}
for (const fact of FACTS.filter(({ name }) => names?.includes(name) ?? true)) {
  process.stdout.write(`${JSON.stringify(await watchFact(fact, run))}\n`)
}
await hypervisor.stop()
