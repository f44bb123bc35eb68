/** A guest that writes and runs new code all the time is slow, and nobody else is. */
import type { RewritingGuest } from './machine/rewriting-guest.ts'
import { runMachine } from './machine/run-machine.ts'
import type { How, Outcome } from './point.ts'

const SECONDS = { full: 600, short: 60 } as const
/** What its neighbour on another pCPU keeps of its speed. */
const LEAST = 0.85
/** MiB the process may grow by after a quarter of the time. */
const GROWTH_MIB = 64

export async function rewritingGuest({ short, progress }: How): Promise<Outcome> {
  const seconds = short ? SECONDS.short : SECONDS.full
  const args = ['--seconds', `${seconds}`]
  const [{ alone, beside, rss, pages }] = await runMachine<RewritingGuest>('rewriting-guest.ts', args, progress)
  const growth = Math.max(...rss) - rss[Math.floor(rss.length / 4)]
  const share = beside / alone
  return {
    pass: share >= LEAST && growth <= GROWTH_MIB && pages > 0,
    value: `${pages} pages of new code in ${seconds} s; its neighbour kept ${(100 * share).toFixed(0)} % of its speed (at least ${LEAST * 100}), the process grew by ${growth} MiB (at most ${GROWTH_MIB})${short ? ' (short form)' : ''}`,
    facts: { alone, beside, rss },
  }
}
