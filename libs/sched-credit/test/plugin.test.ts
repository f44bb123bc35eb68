import { HostScope, loadPlugins, SchedulerOps, SharedMemory, sharedSize } from '@paravane/core'
import { expect, test } from 'vitest'
import { CreditScheduler } from '../src/credit-scheduler.ts'
import { DOMAIN_PARAMS } from '../src/params.ts'
import { creditPart } from './credit-part.ts'

const limits = { pcpus: 1, domains: 2, units: 4 }

function scheduler(config?: unknown) {
  const part = creditPart(config)
  const memory = new SharedMemory(new SharedArrayBuffer(sharedSize(part.layout(limits))))
  return part.create({ memory, base: 0 }, limits, { tickle: () => {} })
}

test('is found by its package name', async () => {
  const plugins = await loadPlugins(['@paravane/sched-credit'], {
    scope: new HostScope(),
    base: new URL(import.meta.url),
    resolve: (use) => import.meta.resolve(use),
  })
  expect(plugins.parts.keys(SchedulerOps)).toEqual(['credit'])
  expect(plugins.pcpuPlugins).toHaveLength(1)
})

test('starts with the parameters of Xen, or those of its configuration', () => {
  const credit = scheduler()
  expect(credit).toBeInstanceOf(CreditScheduler)
  credit.insertDomain(1)
  expect(credit.params(1)).toEqual({ weight: 256, cap: 0 })
  expect(credit.globalParams()).toEqual({ tsliceMs: 30, ratelimitUs: 1000 })
  expect(scheduler({ tsliceMs: 5, ratelimitUs: 0 }).globalParams()).toEqual({ tsliceMs: 5, ratelimitUs: 0 })
  expect(() => scheduler({ tsliceMs: 0 })).toThrow('"tsliceMs" must be a whole number from 1 to 1000')
})

/** A change, and the parameters afterwards; it is refused if they are the same as before. */
const CHANGES: readonly [Record<string, number>, number, Record<string, number>][] = [
  [{ weight: 512 }, 0, { weight: 512, cap: 0 }],
  [{ cap: 150 }, 0, { weight: 512, cap: 150 }],
  [{ weight: 0 }, -22, { weight: 512, cap: 150 }],
  [{ weight: 65536 }, -22, { weight: 512, cap: 150 }],
  [{ weight: 1, cap: -1 }, -22, { weight: 512, cap: 150 }],
  [{ weight: 1.5 }, -22, { weight: 512, cap: 150 }],
  [{ toString: 1 }, -22, { weight: 512, cap: 150 }],
  [{ weight: 65535, cap: 0 }, 0, { weight: 65535, cap: 0 }],
]

test('takes whole numbers within bounds and nothing else', () => {
  const credit = scheduler()
  credit.insertDomain(0)
  for (const [change, answer, after] of CHANGES) {
    expect([change, credit.adjust(0, change), credit.params(0)]).toEqual([change, answer, after])
  }
  credit.insertDomain(0)
  expect(credit.params(0)).toEqual({ weight: DOMAIN_PARAMS.weight.initial, cap: 0 })
})

test('keeps the rate limit within the slice', () => {
  const credit = scheduler()
  expect(credit.adjustGlobal({ tsliceMs: 2, ratelimitUs: 3000 })).toBe(-22)
  expect(credit.adjustGlobal({ ratelimitUs: 99 })).toBe(-22)
  expect(credit.adjustGlobal({ tsliceMs: 2, ratelimitUs: 0 })).toBe(0)
  expect(credit.globalParams()).toEqual({ tsliceMs: 2, ratelimitUs: 0 })
})
