/** Runs one vCPU of a shared machine until it halts. */
import { workerData } from 'node:worker_threads'
import { Machine, type SharedMachine } from '../machine.ts'

/** What the thread is told. */
export interface CountingStart {
  readonly shared: SharedMachine
  readonly index: number
  readonly regionThreshold: number
  /** One word: threads that are not ready yet. */
  readonly waiting: SharedArrayBuffer
}

const { shared, index, regionThreshold, waiting } = workerData as CountingStart
const { runner } = new Machine({ shared, index, regionThreshold })
const words = new Int32Array(waiting)
Atomics.sub(words, 0, 1)
while (Atomics.load(words, 0) !== 0);
let stop = runner.run(1_000_000)
while (stop === 'limit') stop = runner.run(1_000_000)
if (stop !== 'trap') throw new Error(`the vCPU stopped: ${stop}`)
