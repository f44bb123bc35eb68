/**
 * A hypervisor of its own whose guest runs every kernel of the bench over and over, while domain 0 pauses it `--count N` times. Writes
 * one line of JSON. How long a pause took is told by the guest's CPU time: it stands still as soon as no pCPU runs the vCPU. In that is
 * time in which the pCPU's thread had no processor: of a host's few, domain 0's thread and others want some too, and a host that is a
 * virtual machine is itself not always run. The thread's own clock leaves that out, and has a little more, what the thread does once
 * the guest stands: the shorter of the two is how long the pause was unanswered. Only of a thread that did not fall asleep in between,
 * but for once, when the guest stood: to wait for one of ours is late.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { compose } from '../../../apps/xend/src/compose.ts'
import { WORKLOAD } from '../../bench/bench-image.ts'
import { cpuSecondsOfHost, cpuSecondsOfTree } from '../process-cpu.ts'
import { benchGuest } from './bench-guest.ts'
import { ShellGuest } from './shell-guest.ts'
import { clockOf } from './thread-clock.ts'

export interface Kicks {
  /** How long each pause was unanswered, ms; and with the time in which the pCPU's thread had no processor. The shortest first. */
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
const pcpu = clockOf('pcpu0')
const ms: number[] = []
const withWaits: number[] = []
let idle = 0
const [begin, host, own] = [performance.now(), cpuSecondsOfHost(), cpuSecondsOfTree(process.pid)]
for (let n = 0; n < Number(values.count); n++) {
  const [slept, ran] = [pcpu.sleeps(), pcpu.cpuTime()]
  const before = domain.info()
  domain.pause()
  await sleep(PAUSED)
  const { cpuTimeNs } = domain.info()
  const used = pcpu.cpuTime() - ran
  const stands = domain.info().cpuTimeNs === cpuTimeNs
  const awake = pcpu.sleeps() - slept <= (stands ? 1 : 0)
  domain.unpause()
  if (before.state !== 'running' || cpuTimeNs === before.cpuTimeNs) idle++
  else {
    const took = Number(cpuTimeNs - before.cpuTimeNs) / 1e6
    withWaits.push(took)
    ms.push(awake ? Math.min(took, used) : took)
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
