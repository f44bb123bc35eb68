/** The suite that replays all records in one tier; each tier has a file of its own, so that they run side by side. */
import { describe, expect, it } from 'vitest'
import type { Tier } from './engine.ts'
import { readFamilies } from './families.ts'
import { replay } from './replay.ts'

/** Acceptance replays them all in every tier. */
const ALL = process.env.PARAVANE_RECORDS === 'all'

/** Disagreements shown for a family. */
const SHOWN = 8
const families = await readFamilies()

/** @param oneIn replays one variant of so many, unless all are asked for */
export function replaysRecords(tier: Tier, oneIn: number): void {
  describe(`recorded instructions end as the recorded CPU ended them (${tier})`, () => {
    it.each(families)('$name', (family) => {
      const { found } = replay(family, tier, ALL ? 1 : oneIn)
      expect(found.slice(0, SHOWN).join('\n')).toBe('')
    })
  })
}
