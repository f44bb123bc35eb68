import { PcpuParts, SchedulerOps, type SchedulerPart } from '@paravane/core'
import plugin from '../src/plugin.ts'

/** The scheduler as a thread that has just started makes it. */
export function creditPart(config?: unknown): SchedulerPart {
  const parts = new PcpuParts()
  plugin.pcpu?.(parts.for(plugin.id, plugin.provides), plugin.config.parse(config))
  return parts.find(SchedulerOps, 'credit')
}
