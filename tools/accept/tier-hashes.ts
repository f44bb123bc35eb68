/** State hashes that no tier, no load and no version of V8 may change. */
import { firstDifference, type HashedRun, INTERVAL } from '../../apps/xend/test/e2e/state-hashes.ts'
import { runMachine } from './machine/run-machine.ts'
import { obtainNode } from './obtain-node.ts'
import type { How, Outcome } from './point.ts'
import { underStress } from './stress.ts'

const SHORT_UNTIL = 300_000_000n
const OTHER_NODE = 26

export async function tierHashes({ short, progress }: How): Promise<Outcome> {
  const run = async (what: string, args: readonly string[], node?: string): Promise<HashedRun> => {
    const limit = short ? ['--until', String(SHORT_UNTIL)] : []
    const [result] = await runMachine<HashedRun>('state-hashes.ts', [...args, ...limit], progress, { node })
    progress(`${what}: ${result.hashes.length} hashes, ${result.reason}`)
    return result
  }
  const faults: string[] = []
  const cold = await run('cold tier', ['--cold'])
  const compare = async (what: string, act: () => Promise<HashedRun>): Promise<void> => {
    try {
      const difference = firstDifference(cold, await act())
      if (difference !== undefined) faults.push(`${what}: ${difference}`)
    } catch (error) {
      faults.push(`not measured: ${what}: ${(error as Error).message}`)
    }
  }
  await compare('with regions', () => run('with regions', []))
  await compare('with regions on a busy host', () => underStress(progress, () => run('on a busy host', [])))
  const other = `with regions on Node ${OTHER_NODE}`
  await compare(other, async () => run(other, [], await obtainNode(OTHER_NODE, progress)))
  const count = cold.hashes.length
  if (count === 0) faults.push('no hash was taken')
  const span = `${count} hashes, one each ${INTERVAL / 1_000_000n} M instructions${short ? ' (short form)' : ''}`
  return {
    pass: faults.length === 0,
    value:
      faults.length === 0
        ? `${span}: equal in the cold tier, with regions, on a busy host (Node ${process.versions.node}) and on Node ${OTHER_NODE}`
        : `${span}: ${faults[0]}`,
    faults,
    facts: { hashes: count },
  }
}
