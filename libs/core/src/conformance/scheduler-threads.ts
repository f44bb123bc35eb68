import { Worker } from 'node:worker_threads'
import type { SchedulerLimits } from '../plugin/scheduler.ts'
import { SimulatedMachine } from './machine.ts'
import { outcomeText, type SchedulerCall, SchedulerInstance, schedulerMemory } from './recorded-scheduler.ts'
import type { SchedulerSubject } from './scheduler.ts'
import { disturb } from './scheduler-disturbance.ts'
import type { ReplayOrder, ReplayStart } from './scheduler-worker.ts'
import { check, type SuiteCase } from './suite-case.ts'

const LIMITS: SchedulerLimits = { pcpus: 3, domains: 8, units: 64 }
const MS = 1_000_000
/** Calls replayed on real threads: each is a message and its answer. */
const REPLAYED = 600

/** Life on a machine, as the calls it led to. */
function recorded(subject: SchedulerSubject, instances: number): readonly SchedulerCall[] {
  const machine = new SimulatedMachine(subject.make, LIMITS, instances)
  disturb(machine, 7, 500 * MS)
  return machine.calls
}

function compare(expected: SchedulerCall, outcome: string, which: string): void {
  const args = expected.args.map(String).join(', ')
  check(
    outcome === expected.outcome,
    `${expected.method}(${args}) answered "${outcome}" on ${which}, but "${expected.outcome}" before`,
  )
}

/** A worker with an instance of its own. */
class ReplayThread {
  readonly #worker: Worker

  constructor(start: ReplayStart) {
    // Source runs as it is, the package as it was compiled.
    const own = import.meta.url.endsWith('.ts') ? './scheduler-worker.ts' : './scheduler-worker.js'
    this.#worker = new Worker(new URL(own, import.meta.url), { workerData: start })
  }

  call(order: ReplayOrder): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#worker.once('message', (outcome: string) => {
        this.#worker.off('error', reject)
        resolve(outcome)
      })
      this.#worker.once('error', reject)
      this.#worker.postMessage(order)
    })
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }
}

/** No state but the shared one: whichever instance is called, on whichever thread, the answers are the same. */
export function threadCases(subject: SchedulerSubject): SuiteCase[] {
  return [
    {
      name: 'the same calls get the same answers',
      run: () => {
        const again = new SchedulerInstance(subject.make(), schedulerMemory(subject.make(), LIMITS), LIMITS)
        for (const it of recorded(subject, 1)) compare(it, outcomeText(again.call(it.method, it.args)), 'a second run')
      },
    },
    {
      name: 'instances that take turns act as one',
      run: () => {
        const alone = recorded(subject, 1)
        const inTurns = recorded(subject, 3)
        for (const [i, it] of alone.entries()) {
          const other = inTurns[i]
          check(other !== undefined && other.method === it.method, `call ${i} was another one`)
          compare(it, other!.outcome, 'three instances in turns')
        }
      },
    },
    {
      name: 'two worker threads that take turns act as one',
      run: async () => {
        const { buffer } = schedulerMemory(subject.make(), LIMITS)
        const start: ReplayStart = { plugin: subject.plugin, buffer, limits: LIMITS }
        const threads = [new ReplayThread(start), new ReplayThread(start)]
        try {
          for (const [i, it] of recorded(subject, 1).slice(0, REPLAYED).entries()) {
            compare(it, await threads[i % 2]!.call({ method: it.method, args: it.args }), `worker ${i % 2}`)
          }
        } finally {
          for (const thread of threads) await thread.stop()
        }
      },
    },
  ]
}
