/**
 * A hypervisor of its own with `--guests N` guests on `--pcpus N`, each of which does the same work over and over. Writes one line of
 * JSON: what each retired in `--seconds S`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { compose } from '../../../apps/xend/src/compose.ts'
import { cpuSecondsOfHost, cpuSecondsOfTree } from '../process-cpu.ts'
import { benchGuest, SAME_WORK } from './bench-guest.ts'
import { ShellGuest } from './shell-guest.ts'

export interface BusyGuests {
  /** Million instructions a second, by guest. */
  readonly millions: readonly number[]
  /** Percent of a processor that others used meanwhile. */
  readonly others: number
}

/** Until all that the work needs is compiled. */
const WARM_MS = 40_000
const { values } = parseArgs({
  options: {
    guests: { type: 'string', default: '1' },
    pcpus: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '60' },
  },
})
const say = (line: string): void => void process.stderr.write(`${line}\n`)
const count = Number(values.guests)
const hypervisor = await compose({ pcpus: Number(values.pcpus), vcpus: count, warn: say })
const guests: ShellGuest[] = []
for (let n = 1; n <= count; n++)
  guests.push(new ShellGuest(await hypervisor.createDomain(await benchGuest(`busy-${n}`, SAME_WORK, say))))
for (const guest of guests) await guest.shows('working')
say(`${count} guests work`)
await sleep(WARM_MS)
const retired = (): number[] => guests.map(({ domain }) => Number(domain.info().retiredInstructions))
const [begin, host, own, before] = [performance.now(), cpuSecondsOfHost(), cpuSecondsOfTree(process.pid), retired()]
await sleep(Number(values.seconds) * 1000)
const seconds = (performance.now() - begin) / 1000
const millions = retired().map((now, n) => (now - before[n]) / 1e6 / seconds)
const used = cpuSecondsOfHost() - host - (cpuSecondsOfTree(process.pid) - own)
const result: BusyGuests = { millions, others: Math.round((Math.max(0, used) / seconds) * 100) }
process.stdout.write(`${JSON.stringify(result)}\n`)
await hypervisor.stop()
