import { expect, test } from 'vitest'
import { firstDifference, hashedRun, INTERVAL } from './state-hashes.ts'

/** Of the comparison of a tier with itself; page tables, alternatives and interrupt set-up. */
const UNTIL = 300_000_000n
const TIMEOUT_MS = 300_000

test(
  'under the virtual clock a boot from its first instruction to power off is the same in the cold tier and with regions',
  async () => {
    const cold = await hashedRun({ regions: false })
    expect(cold.reason).toBe('poweroff')
    expect(cold.hashes.length).toBeGreaterThan(100)
    expect(new Set(cold.hashes.map((hash) => hash.split(':')[1])).size).toBe(cold.hashes.length)
    const regions = await hashedRun({ regions: true })
    expect(firstDifference(cold, regions)).toBeUndefined()
    expect(regions.shown).toBe(cold.shown)
    expect(regions.reason).toBe('poweroff')
  },
  TIMEOUT_MS,
)

test(
  'and twice the same in the cold tier',
  async () => {
    const [once, again] = await Promise.all([1, 2].map(() => hashedRun({ regions: false, until: UNTIL })))
    expect(once!.hashes).toHaveLength(Number(UNTIL / INTERVAL))
    expect(firstDifference(once!, again!)).toBeUndefined()
  },
  TIMEOUT_MS,
)
