import { workerData } from 'node:worker_threads'
import { pcpuOwner, SharedLock } from '../../src/domain/shared-lock.ts'
import { SharedMemory, sharedLayout } from '../../src/shared-layout.ts'

/** Adds to a number under a lock, in two steps that only the lock keeps together. */
const { buffer, pcpu, times } = workerData as { buffer: SharedArrayBuffer; pcpu: number; times: number }
const fields = { lock: 'i32', count: 'i32' } as const
const layout = sharedLayout(fields)
const memory = new SharedMemory(buffer)
const lock = new SharedLock(memory, layout.lock, 0, pcpuOwner(pcpu))
for (let i = 0; i < times; i++) {
  lock.with(() => {
    const before = memory.i32[1] as number
    for (let spin = i % 64; spin > 0; spin--) Atomics.load(memory.i32, 0)
    memory.i32[1] = before + 1
  })
}
