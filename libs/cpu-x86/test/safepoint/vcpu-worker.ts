/** Runs the vCPU of a shared machine until told to stop; faults are tried again at once. */
import { workerData } from 'node:worker_threads'
import { Machine } from '../machine.ts'
import { type VcpuStart, WORD } from './hot-vcpu.ts'

const { shared, control, stretch, regionThreshold } = workerData as VcpuStart
const words = new Int32Array(control)
const { runner } = new Machine({ shared, regionThreshold })
while (Atomics.load(words, WORD.STOP) === 0) {
  const stop = runner.run(stretch)
  if (stop !== 'limit' && stop !== 'fault') throw new Error(`the vCPU stopped: ${stop}`)
  if (stop === 'fault') Atomics.add(words, WORD.FAULTS, 1)
  Atomics.store(words, WORD.REGIONS, runner.regions.count)
}
