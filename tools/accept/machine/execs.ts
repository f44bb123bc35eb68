/**
 * A hypervisor of its own whose guest starts one program `--count N` times. Writes one line of JSON. Needs
 * count-compiles.mjs in each thread.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { compose } from '../../../apps/xend/src/compose.ts'
import { WORKLOAD } from '../../bench/bench-image.ts'
import { benchGuest } from './bench-guest.ts'
import { compilesBetween } from './compiles.ts'
import { ShellGuest } from './shell-guest.ts'

export interface Execs {
  /** Modules compiled from the start of each program to the start of the next. */
  readonly compiled: readonly number[]
  /** How many different addresses its code was at. */
  readonly addresses: number
}

/** Longer than regions wait to be compiled with others. */
const PAUSE_MS = 400
const SETTLE_MS = 5000
const { values } = parseArgs({ options: { count: { type: 'string', default: '100' } } })
const count = Number(values.count)
const say = (line: string): void => void process.stderr.write(`${line}\n`)
const hypervisor = await compose({ pcpus: 1, vcpus: 1, warn: say })
// It waits for a line each time, so that what is compiled late is counted with the start that it was compiled for.
const work = `while read -r n; do ${WORKLOAD} --where; done`
const guest = new ShellGuest(
  await hypervisor.createDomain(await benchGuest('execs', `stty -echo; echo ready; ${work}`, say, 'moving')),
)
await guest.shows('ready')
await sleep(SETTLE_MS)
const starts: number[] = []
for (let n = 1; n <= count; n++) {
  starts.push(performance.timeOrigin + performance.now())
  guest.type(`${n}`)
  await guest.shows('@where ', n)
  await sleep(PAUSE_MS)
}
starts.push(performance.timeOrigin + performance.now())
const addresses = new Set([...guest.shown.matchAll(/@where (\S+)/g)].map(([, address]) => address)).size
const compiled = starts.slice(1).map((end, n) => compilesBetween(starts[n], end))
process.stdout.write(`${JSON.stringify({ compiled, addresses } satisfies Execs)}\n`)
await hypervisor.stop()
