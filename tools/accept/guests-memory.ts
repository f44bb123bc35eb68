/** What we need for guests beyond their own memory, and what they compile that others have compiled before. */
import type { GuestsMemory } from './machine/guests-memory.ts'
import { runMachine } from './machine/run-machine.ts'
import type { How, Outcome } from './point.ts'

const GUESTS = { full: 10, short: 3 } as const
const MEMORY_MIB = 256
const LIMIT_MIB = 200
/** Of what the first guest compiled, that each of the others may compile on average. */
const SHARED = 0.1
let measured: Promise<GuestsMemory> | undefined

function guestsMemory(how: How): Promise<GuestsMemory> {
  measured ??= measure(how)
  return measured
}

async function measure({ short, progress }: How): Promise<GuestsMemory> {
  const run = (guests: number): Promise<GuestsMemory[]> =>
    runMachine('guests-memory.ts', ['--guests', `${guests}`, '--memory', `${MEMORY_MIB}`], progress, {
      countsCompiles: true,
    })
  // Node keeps what it makes of new sources; what it takes to make it is no memory of ours.
  await run(0)
  const [it] = await run(short ? GUESTS.short : GUESTS.full)
  return it
}

export async function oneGuestsMemory(how: How): Promise<Outcome> {
  const { rss, guestMapped, rssBefore } = await guestsMemory(how)
  const ours = rss[0] - guestMapped[0]
  return {
    pass: ours <= LIMIT_MIB,
    value: `${ours} MiB of ours beside ${guestMapped[0]} MiB in use of a guest's ${MEMORY_MIB} (at most ${LIMIT_MIB}); ${rssBefore} MiB before there was a guest`,
    facts: { rss, guestMapped, rssBefore },
  }
}

export async function sharedTranslations(how: How): Promise<Outcome> {
  const { compiled, rss, guestMapped } = await guestsMemory(how)
  const [first, ...others] = compiled
  const average = others.reduce((sum, each) => sum + each, 0) / others.length
  const each = (rss.at(-1)! - guestMapped.at(-1)! - (rss[0] - guestMapped[0])) / others.length
  return {
    pass: average <= SHARED * first,
    value: `the first of ${compiled.length} guests compiled ${first} modules, the others ${average.toFixed(1)} each (at most ${SHARED * 100} % of the first's); ${each.toFixed(0)} MiB of ours for each more${how.short ? ' (short form)' : ''}`,
    facts: { compiled },
  }
}
