/** Busy guests share two processors without losing much of what these can do. */
import { median } from '../bench/compare.ts'
import type { BusyGuests } from './machine/busy-guests.ts'
import { runMachine } from './machine/run-machine.ts'
import type { How, Outcome } from './point.ts'

const LEAST = 0.85
const SECONDS = { full: 30, short: 15 } as const
/** In turn, so that each has its share of the host's moods; medians count. */
const ROUNDS = { full: 3, short: 1 } as const
const PCPUS = 2
const COUNTS: readonly number[] = [1, 2, 4]

export async function busyGuests({ short, progress }: How): Promise<Outcome> {
  const seconds = short ? SECONDS.short : SECONDS.full
  const seen = new Map<number, number[]>(COUNTS.map((guests) => [guests, []]))
  const others: number[] = []
  for (let round = 0; round < (short ? ROUNDS.short : ROUNDS.full); round++) {
    for (const guests of COUNTS) {
      const args = ['--guests', `${guests}`, '--pcpus', `${PCPUS}`, '--seconds', `${seconds}`]
      const [run] = await runMachine<BusyGuests>('busy-guests.ts', args, progress)
      seen.get(guests)!.push(run.millions.reduce((sum, each) => sum + each, 0))
      others.push(run.others)
    }
  }
  const total = (guests: number): number => median(seen.get(guests)!)
  const shares = COUNTS.slice(1).map((guests) => ({ guests, share: total(guests) / (PCPUS * total(1)) }))
  const shown = shares.map(({ guests, share }) => `${guests} guests ${(100 * share).toFixed(1)} %`).join(', ')
  return {
    pass: shares.every(({ share }) => share >= LEAST),
    value: `${shown} of ${PCPUS} times one guest's ${total(1).toFixed(0)} M instructions a second (at least ${LEAST * 100} %); others used at most ${Math.max(...others)} % of a processor${short ? ' (short form)' : ''}`,
    facts: { seen: Object.fromEntries(seen), shares },
  }
}
