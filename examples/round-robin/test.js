// @ts-check
import test from 'node:test'
import { PcpuParts, SchedulerOps } from '@paravane/core'
import { schedulerSuite } from '@paravane/core/conformance'
import plugin from './index.js'

/** As a thread that has just started makes it. */
function make() {
  const parts = new PcpuParts()
  plugin.pcpu?.(parts.for(plugin.id, plugin.provides), plugin.config.parse(undefined))
  return parts.find(SchedulerOps, 'round-robin')
}

const url = import.meta.resolve('./index.js')
for (const { name, run } of schedulerSuite({ make, plugin: { url, config: undefined, key: 'round-robin' } }))
  test(name, run)
