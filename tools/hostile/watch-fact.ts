import type { EndReason, Hypervisor, HypervisorReport } from '../../libs/core/src/host/hypervisor-api.ts'
import type { Fact } from './fact.ts'
import type { Heartbeat, Neighbour } from './neighbour.ts'

const MIB = 2 ** 20
const SAMPLE_MS = 50
/** What is kept of what a guest shows: its beginning. */
const SHOWN_LIMIT = 65_536

/** What came of a fact. */
export interface Observation {
  readonly fact: string
  readonly pcpus: number
  /** `runs`: it did until it was destroyed. */
  readonly end: EndReason | 'runs'
  readonly detail?: string
  readonly shown: string
  /** Seconds of processor time it used. */
  readonly cpu: number
  readonly heartbeat: Heartbeat
  /** The neighbour's when it was alone, on this machine as busy as it is. */
  readonly alone: Heartbeat
  /** Milliseconds from the order to destroy it until nothing was left of it. */
  readonly destroyed: number
  /** MiB of the process at most, less what it had before. */
  readonly grown: number
  /** Bytes it wrote to the hypervisor's log that were handed on. */
  readonly logged: number
  /** Reports of bugs of ours. */
  readonly bugs: readonly string[]
}

/** What the hypervisor says of all its guests. */
export interface Ears {
  readonly reports: HypervisorReport[]
  logged: number
}

export interface FactRun {
  readonly hypervisor: Hypervisor
  readonly neighbour: Neighbour
  readonly alone: Heartbeat
  readonly ears: Ears
  readonly pcpus: number
  readonly kernel: Uint8Array
  readonly seed: number
  /** Multiplies the time facts are given. */
  readonly patience: number
}

const wait = (ms: number): Promise<undefined> => new Promise((resolve) => setTimeout(() => resolve(undefined), ms))

/** One that is to end is given time, as the machine may be busy. */
function secondsOf({ seconds, end }: Fact): number {
  return seconds ?? (typeof end === 'string' ? 1 : 10)
}

/** Runs the guest of one fact until it ends or its time is over. */
export async function watchFact(fact: Fact, run: FactRun): Promise<Observation> {
  const { hypervisor, neighbour, ears } = run
  ears.reports.length = 0
  ears.logged = 0
  const before = process.memoryUsage.rss()
  let most = before
  const sampler = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, SAMPLE_MS)
  const begin = performance.now()
  const domain = await hypervisor.createDomain({
    name: fact.name,
    kernel: { bytes: run.kernel, name: 'the hostile guest' },
    cmdline: `fact=${fact.name} seed=${run.seed}`,
    memory: fact.memory ?? 16,
    vcpus: fact.vcpus ?? 1,
  })
  let shown = ''
  domain.console.onOutput((bytes) => {
    if (shown.length < SHOWN_LIMIT) shown += Buffer.from(bytes).toString('latin1')
  })
  fact.disturb?.(domain)
  domain.unpause()
  const ended = await Promise.race([domain.ended, wait(secondsOf(fact) * 1000 * run.patience)])
  const order = performance.now()
  await domain.destroy()
  const destroyed = performance.now() - order
  const { cpuTimeNs } = await domain.ended
  const heartbeat = neighbour.since(begin)
  clearInterval(sampler)
  return {
    fact: fact.name,
    pcpus: run.pcpus,
    end: ended?.reason ?? 'runs',
    ...(ended?.detail === undefined ? {} : { detail: ended.detail }),
    shown,
    cpu: Number(cpuTimeNs) / 1e9,
    heartbeat,
    alone: run.alone,
    destroyed,
    grown: (most - before) / MIB,
    logged: ears.logged,
    bugs: ears.reports.filter(({ kind }) => kind === 'bug').map(({ text }) => text),
  }
}
