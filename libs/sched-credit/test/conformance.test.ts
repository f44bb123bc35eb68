import { PcpuParts, SchedulerOps } from '@paravane/core'
import { schedulerSuite } from '@paravane/core/conformance'
import { describe, test } from 'vitest'
import plugin from '../src/plugin.ts'

function make() {
  const parts = new PcpuParts()
  plugin.pcpu?.(parts.for(plugin.id, plugin.provides), plugin.config.parse(undefined))
  return parts.find(SchedulerOps, 'credit')
}

describe('credit keeps the contract of a scheduler', () => {
  const suite = schedulerSuite({
    make,
    plugin: { url: new URL('../src/plugin.ts', import.meta.url).href, config: undefined, key: 'credit' },
    shares: { weight: 'weight', cap: 'cap' },
  })
  for (const { name, run } of suite) test(name, run)
})
