/** A thread of the conformance suite: makes its instance of a scheduler as a pCPU worker does, and calls it as told. */
import { parentPort, workerData } from 'node:worker_threads'
import { type SchedulerLimits, SchedulerOps } from '../plugin/scheduler.ts'
import { loadPcpuParts } from '../plugin-host/load-plugins.ts'
import { SharedMemory } from '../shared-layout.ts'
import { outcomeText, SchedulerInstance, type SchedulerMethod } from './recorded-scheduler.ts'

export interface ReplayStart {
  readonly plugin: { readonly url: string; readonly config: unknown; readonly key: string }
  readonly buffer: SharedArrayBuffer
  readonly limits: SchedulerLimits
}

export interface ReplayOrder {
  readonly method: SchedulerMethod
  readonly args: readonly unknown[]
}

if (parentPort !== null) {
  const { plugin, buffer, limits } = workerData as ReplayStart
  const parts = await loadPcpuParts([plugin])
  const instance = new SchedulerInstance(parts.find(SchedulerOps, plugin.key), new SharedMemory(buffer), limits)
  parentPort.on('message', ({ method, args }: ReplayOrder) => {
    parentPort?.postMessage(outcomeText(instance.call(method, args)))
  })
}
