import { describe, expect, it } from 'vitest'
import { generate, readOnlyPage } from './generate.ts'
import { readRecords } from './records.ts'
import { disagreements } from './replay.ts'
import { droppingTranslations, inColdTier, ProgramRunner, stepByStep, type Way } from './tier.ts'

/** How programs are run, and one in how many. */
const WAYS: readonly { readonly name: string; readonly way: Way; readonly oneIn: number }[] = [
  { name: 'in the cold tier', way: inColdTier, oneIn: 1 },
  { name: 'in the cold tier, all translations dropped every few instructions', way: droppingTranslations, oneIn: 20 },
  { name: 'step by step', way: stepByStep, oneIn: 20 },
]
const TIMEOUT_MS = 300_000

describe('random programs end as the recorded CPU ended them', () => {
  const records = readRecords()
  const readOnly = readOnlyPage()

  it('there are enough of them', () => {
    expect(records.length).toBeGreaterThanOrEqual(20_000)
    expect(new Set(records.map(({ seed }) => seed)).size).toBe(records.length)
  })

  for (const { name, way, oneIn } of WAYS)
    it(
      name,
      () => {
        const chosen = records.filter((_, n) => n % oneIn === 0)
        expect(disagreements(new ProgramRunner(way, readOnly), chosen)).toEqual([])
      },
      TIMEOUT_MS,
    )

  it('and not so where stores to code go unseen', () => {
    const access = { mayEmulate: () => false, emulate: () => 'refused' as const, written: () => {} }
    const runner = new ProgramRunner(inColdTier, readOnly, { access })
    expect(disagreements(runner, records.slice(0, 200)).length).toBeGreaterThan(5)
  })

  it('with the same number of instructions in every way', () => {
    const runners = WAYS.map(({ way }) => new ProgramRunner(way, readOnly))
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
