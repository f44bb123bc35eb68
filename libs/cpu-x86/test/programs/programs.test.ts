import { describe, expect, it } from 'vitest'
import type { RunnerOptions } from '../../src/run.ts'
import { generate, readOnlyPage } from './generate.ts'
import { readRecords } from './records.ts'
import { disagreements } from './replay.ts'
import { droppingTranslations, inColdTier, ProgramRunner, stepByStep, type Way } from './tier.ts'

/** Acceptance runs them all in every tier. */
const ALL = process.env.PARAVANE_PROGRAMS === 'all'

/** How programs are run, and one in how many. */
const WAYS: readonly {
  readonly name: string
  readonly way: Way
  readonly oneIn: number
  readonly options?: Partial<RunnerOptions>
}[] = [
  { name: 'in the cold tier', way: inColdTier, oneIn: 1 },
  { name: 'in the cold tier, all translations dropped every few instructions', way: droppingTranslations, oneIn: 20 },
  { name: 'in regions made at the first jump to a place', way: inColdTier, oneIn: 1, options: { regionThreshold: 1 } },
  {
    name: 'in regions, all translations dropped every few instructions',
    way: droppingTranslations,
    oneIn: 20,
    options: { regionThreshold: 1 },
  },
  { name: 'step by step', way: stepByStep, oneIn: ALL ? 1 : 20 },
]
const TIMEOUT_MS = 900_000

describe('random programs end as the recorded CPU ended them', () => {
  const records = readRecords()
  const readOnly = readOnlyPage()

  it('there are enough of them', () => {
    expect(records.length).toBeGreaterThanOrEqual(20_000)
    expect(new Set(records.map(({ seed }) => seed)).size).toBe(records.length)
  })

  for (const { name, way, oneIn, options } of WAYS)
    it(
      name,
      () => {
        const chosen = records.filter((_, n) => n % oneIn === 0)
        expect(disagreements(new ProgramRunner(way, readOnly, options), chosen)).toEqual([])
      },
      TIMEOUT_MS,
    )

  it('and not so where stores to code go unseen', () => {
    const access = { mayEmulate: () => false, emulate: () => 'refused' as const, written: () => {} }
    const runner = new ProgramRunner(inColdTier, readOnly, { access })
    expect(disagreements(runner, records.slice(0, 200)).length).toBeGreaterThan(5)
  })

  it('and regions are really made', () => {
    const runner = new ProgramRunner(inColdTier, readOnly, { regionThreshold: 1 })
    for (const { seed } of records.slice(0, 100)) runner.run(generate(seed))
    expect(runner.machine.runner.regions.count).toBeGreaterThan(100)
  })

  it('with the same number of instructions in every way', () => {
    const runners = WAYS.map(({ way, options }) => new ProgramRunner(way, readOnly, options))
    for (const { seed } of records.filter((_, n) => n % 100 === 0)) {
      const program = generate(seed)
      const counts = runners.map((runner) => {
        runner.run(program)
        return runner.retired
      })
      expect(new Set(counts), `program ${seed}`).toHaveProperty('size', 1)
    }
  })
})
