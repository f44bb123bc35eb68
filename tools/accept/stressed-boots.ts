/** Boots while others want the host's processors too: none hangs. */
import { runMachine } from './machine/run-machine.ts'
import type { How, Outcome } from './point.ts'
import { underStress } from './stress.ts'

/** Processes, and boots in each: the first has everything to compile, the others find it compiled. */
const PROCESSES = { full: 10, short: 1 } as const
const BOOTS = { full: 30, short: 3 } as const

interface GuestEnd {
  readonly boot: number
  readonly fault?: string
}

export async function stressedBoots({ short, progress }: How): Promise<Outcome> {
  const form = short ? 'short' : 'full'
  const wanted = PROCESSES[form] * BOOTS[form]
  const ends: GuestEnd[] = []
  await underStress(progress, async () => {
    for (let n = 0; n < PROCESSES[form]; n++)
      ends.push(...(await runMachine<GuestEnd>('guests.ts', ['--pcpus', '1', '--rounds', `${BOOTS[form]}`], progress)))
  })
  const faults = ends.flatMap(({ fault }, n) => (fault === undefined ? [] : [`boot ${n + 1}: ${fault}`]))
  const good = ends.length - faults.length
  return {
    pass: good === wanted,
    value: `${good} of ${wanted} good on a busy host, the slowest ${Math.max(...ends.map(({ boot }) => boot))} s${short ? ' (short form)' : ''}`,
    faults,
    facts: { boots: ends.map(({ boot }) => boot) },
  }
}
