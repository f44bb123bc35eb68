/**
 * A hypervisor of its own that boots Debian guests: `--together N` at a time, `--rounds N` times over. Writes a line of JSON
 * for each guest: seconds to its shell, and its fault if it had one.
 */
import { parseArgs } from 'node:util'
import { compose } from '../../../apps/xend/src/compose.ts'
import { debianRequest } from './debian-request.ts'
import { watchDomain } from './watched-domain.ts'

const { values } = parseArgs({
  options: {
    pcpus: { type: 'string', default: '1' },
    together: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '1' },
  },
})
const say = (line: string): void => void process.stderr.write(`${line}\n`)
const names = Array.from({ length: Number(values.together) }, (_, n) => `guest-${n + 1}`)
const request = await debianRequest([], say)
const hypervisor = await compose({ pcpus: Number(values.pcpus), vcpus: names.length, warn: say })
for (let round = 1; round <= Number(values.rounds); round++) {
  const ends = await Promise.all(names.map((name) => watchDomain(hypervisor, { ...request, name })))
  for (const end of ends) process.stdout.write(`${JSON.stringify(end)}\n`)
  const outcome = ends.map(({ boot, fault }) => fault ?? `${boot} s`).join(', ')
  say(`${names.length > 1 ? `${names.length} guests on ${values.pcpus} pCPUs` : `boot ${round}`}: ${outcome}`)
}
const left = hypervisor.domains().length
await hypervisor.stop()
if (left > 0) throw new Error(`${left} domains are left over`)
