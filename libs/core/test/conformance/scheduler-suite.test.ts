import { describe, expect, test } from 'vitest'
import { schedulerSuite } from '../../src/conformance/index.ts'
import type { SuiteCase } from '../../src/conformance/suite-case.ts'
import { PcpuParts } from '../../src/plugin/pcpu-parts.ts'
import { SchedulerOps } from '../../src/plugin/scheduler.ts'
import type { Fault } from './round-robin.ts'
import plugin from './round-robin-plugin.ts'

function suiteOf(fault: Fault): readonly SuiteCase[] {
  return schedulerSuite({
    make: () => {
      const parts = new PcpuParts()
      plugin.pcpu?.(parts.for(plugin.id, plugin.provides), fault)
      return parts.find(SchedulerOps, 'rr')
    },
    plugin: { url: new URL('./round-robin-plugin.ts', import.meta.url).href, config: fault, key: 'rr' },
  })
}

describe('a scheduler that keeps the contract passes', () => {
  for (const { name, run } of suiteOf('none')) test(name, run)
})

/** The fault, and what at least one broken case must say about it. */
const FAULTS: readonly [Fault, RegExp][] = [
  ['keeps state in the heap', /three instances in turns/],
  ['forgets to tickle', /waits while pCPU \d+ is idle/],
  ['ignores affinity', /was chosen on pCPU \d+, outside its affinity/],
  ['lets a unit stay where it may not be', /still runs on pCPU \d+, outside its affinity/],
  ['leaves what runs in the queue', /runs on pCPU \d+ and on \d+/],
  ['wants ticks when idle', /has a deadline although nothing wants to run/],
  ['queues what was removed', /does not want to run|does not exist/],
  ['ignores that it is no longer runnable', /does not want to run/],
  ['takes any parameter', /an unknown parameter was taken/],
]

describe('a scheduler that breaks the contract is told how', () => {
  test.each(FAULTS)('one that %s', async (fault, expected) => {
    const reasons: string[] = []
    for (const { run } of suiteOf(fault)) {
      try {
        await run()
      } catch (error) {
        reasons.push(error instanceof Error ? error.message : String(error))
      }
    }
    expect(reasons).toContainEqual(expect.stringMatching(expected))
  })
})
