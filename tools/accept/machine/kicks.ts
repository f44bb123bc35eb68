/**
 * A hypervisor of its own whose guest runs every kernel of the bench over and over, while domain 0 pauses it `--count N` times. Writes
 * one line of JSON. How long a pause took is told by the guest's CPU time: it stands still as soon as no pCPU runs the vCPU. In that is
 * time in which the host gave the pCPU's thread no processor: of a host's few, domain 0's thread and others of the host want some too.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { compose } from '../../../apps/xend/src/compose.ts'
import { WORKLOAD } from '../../bench/bench-image.ts'
import { cpuSecondsOfHost, cpuSecondsOfTree } from '../process-cpu.ts'
import { benchGuest } from './bench-guest.ts'
import { runDelayOf } from './run-delay.ts'
import { ShellGuest } from './shell-guest.ts'

export interface Kicks {
  /**
   * How long each pause took, but for what the pCPU's thread waited for a processor; and with that. The shortest first. A wait that began
   * before the pause, as domain 0's thread woke on that processor, is taken off whole: most pauses are 0 so, and each a little too short.
   */
  readonly ms: readonly number[]
  readonly withWaits: readonly number[]
  /** Pauses that found the guest waiting for something; they say nothing. */
  readonly idle: number
  /** Percent of a processor that others used meanwhile. */
  readonly others: number
}

/** ms between two pauses, and how long a pause is waited for. */
const RUNS = 3
const PAUSED = 2
const WARM_MS = 60_000

const { values } = parseArgs({ options: { count: { type: 'string', default: '20000' } } })
const say = (line: string): void => void process.stderr.write(`${line}\n`)
const hypervisor = await compose({ pcpus: 1, vcpus: 1, warn: say })
const work = `while :; do ${WORKLOAD} -t 1 -b 1 >/dev/null; echo round; done`
const { domain } = new ShellGuest(await hypervisor.createDomain(await benchGuest('kicked', work, say)))
await sleep(WARM_MS)
const waited = runDelayOf('pcpu0')
const ms: number[] = []
const withWaits: number[] = []
let idle = 0
const [begin, host, own] = [performance.now(), cpuSecondsOfHost(), cpuSecondsOfTree(process.pid)]
for (let n = 0; n < Number(values.count); n++) {
  const delay = waited()
  const before = domain.info()
  domain.pause()
  await sleep(PAUSED)
  const { cpuTimeNs } = domain.info()
  const wait = waited() - delay
  domain.unpause()
  if (before.state !== 'running' || cpuTimeNs === before.cpuTimeNs) idle++
  else {
    const took = Number(cpuTimeNs - before.cpuTimeNs) / 1e6
    withWaits.push(took)
    ms.push(Math.max(0, took - wait))
  }
  await sleep(RUNS * ((n % 7) / 4))
}
const seconds = (performance.now() - begin) / 1000
const used = cpuSecondsOfHost() - host - (cpuSecondsOfTree(process.pid) - own)
const result: Kicks = {
  ms: ms.sort((a, b) => a - b),
  withWaits: withWaits.sort((a, b) => a - b),
  idle,
  others: Math.round((Math.max(0, used) / seconds) * 100),
}
process.stdout.write(`${JSON.stringify(result)}\n`)
await hypervisor.stop()
