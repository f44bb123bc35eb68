/** Runs one vCPU of a shared machine, whose stores to code are told to all vCPUs, until it halts. */
import { workerData } from 'node:worker_threads'
import { codeWritten } from '../../src/mmu/code-written.ts'
import { VcpuMemory } from '../../src/state/vcpu-memory.ts'
import { Machine, type SharedMachine } from '../machine.ts'

/** What the thread is told. */
export interface RewritingStart {
  readonly shared: SharedMachine
  readonly index: number
  readonly regionThreshold: number
}

/** Who waits for another leaves its processor to it now and then: instructions, and milliseconds. */
const STRETCH = 20_000
const NAP = 0.05

const { shared, index, regionThreshold } = workerData as RewritingStart
const machine: Machine = new Machine({
  shared,
  index,
  regionThreshold,
  access: {
    mayEmulate: () => false,
    emulate: () => 'refused',
    written: (frame, offset, length) => codeWritten(vcpus, frame, offset, length),
  },
})
const vcpus = shared.plan.vcpuBases.map((base) => new VcpuMemory(machine.views, base))
const { i32 } = machine.views
let stop = machine.runner.run(STRETCH)
while (stop === 'limit') {
  Atomics.wait(i32, machine.vcpu.base >>> 2, i32[machine.vcpu.base >>> 2], NAP)
  stop = machine.runner.run(STRETCH)
}
if (stop !== 'trap') throw new Error(`the vCPU stopped: ${stop}`)
