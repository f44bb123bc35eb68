/** First light, point 2: under the virtual clock a boot is the same each time, whatever tier runs it. */
import { firstDifference, type HashedRun, INTERVAL } from '../../apps/xend/test/e2e/state-hashes.ts'
import { runMachine } from './machine/run-machine.ts'
import type { How, Outcome } from './point.ts'

/** Where the short form breaks off. */
const SHORT_UNTIL = 300_000_000n

export async function sameHashes({ short, progress }: How): Promise<Outcome> {
  const run = async (...args: string[]): Promise<HashedRun> => {
    const limit = short ? ['--until', String(SHORT_UNTIL)] : []
    const [result] = await runMachine<HashedRun>('state-hashes.ts', [...args, ...limit], progress)
    progress(`${args[0] ?? 'with regions'}: ${result.hashes.length} hashes, ${result.reason}`)
    return result
  }
  // Two at a time: what one run does must not depend on what the host is busy with.
  const [cold, again] = await Promise.all([run('--cold'), run('--cold')])
  const regions = await run()
  const faults: string[] = []
  const compare = (what: string, other: HashedRun): void => {
    const difference = firstDifference(cold, other)
    if (difference !== undefined) faults.push(`${what}: ${difference}`)
    if (!short && other.shown !== cold.shown) faults.push(`${what}: the console shows something else`)
  }
  compare('the cold tier twice', again)
  compare('the cold tier and regions', regions)
  const reason = short ? 'destroyed' : 'poweroff'
  for (const each of [cold, again, regions]) if (each.reason !== reason) faults.push(`a run ended by ${each.reason}`)
  const count = cold.hashes.length
  if (count === 0) faults.push('no hash was taken')
  const span = short ? `the first ${count} (short form)` : `${count}, from the first instruction to power off`
  return {
    pass: faults.length === 0,
    value:
      faults.length === 0
        ? `${span}, one each ${INTERVAL / 1_000_000n} M instructions: equal in the cold tier twice and with regions`
        : faults[0],
    faults,
    facts: { hashes: count },
  }
}
