import { expect, test } from 'vitest'
import { firstDifference, hashedRun, INTERVAL } from './state-hashes.ts'

/** Early boot: page tables, alternatives, memory and interrupt set-up. `npm run accept` compares the whole of it. */
const UNTIL = 300_000_000n
const TIMEOUT_MS = 300_000

test(
  'under the virtual clock a boot has the same state hashes each time, in the cold tier and with regions',
  async () => {
    const cold = await hashedRun({ regions: false, until: UNTIL })
    expect(cold.hashes).toHaveLength(Number(UNTIL / INTERVAL))
    expect(new Set(cold.hashes.map((hash) => hash.split(':')[1])).size).toBe(cold.hashes.length)
    expect(firstDifference(cold, await hashedRun({ regions: false, until: UNTIL }))).toBeUndefined()
    expect(firstDifference(cold, await hashedRun({ regions: true, until: UNTIL }))).toBeUndefined()
  },
  TIMEOUT_MS,
)
