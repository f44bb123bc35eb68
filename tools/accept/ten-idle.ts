/** A guest to trust: ten idle Debian guests together, what they cost and what they hold. */
import type { IdleGuests } from './machine/idle-guests.ts'
import { runMachine } from './machine/run-machine.ts'
import type { How, Outcome } from './point.ts'

const LIMIT_PERCENT = 5
const GUESTS = 10
const MEMORY_MIB = 256
const SECONDS = { full: 60, short: 15 } as const
const PCPUS: readonly number[] = [2, 1]

export async function tenIdle({ short, progress }: How): Promise<Outcome> {
  const seconds = short ? SECONDS.short : SECONDS.full
  const faults: string[] = []
  const values: string[] = []
  const facts: Record<string, IdleGuests> = {}
  for (const pcpus of short ? PCPUS.slice(0, 1) : PCPUS) {
    const size = ['--guests', `${GUESTS}`, '--memory', `${MEMORY_MIB}`]
    const args = [...size, '--pcpus', `${pcpus}`, '--seconds', `${seconds}`]
    const [idle] = await runMachine<IdleGuests>('idle-guests.ts', args, progress)
    const { percent, others, rss, rssBefore, guestUsed } = idle
    const on = `on ${pcpus} ${pcpus === 1 ? 'pCPU' : 'pCPUs'}`
    if (percent >= LIMIT_PERCENT) faults.push(`${on}: ${percent} %`)
    if (guestUsed.length !== GUESTS) faults.push(`${on}: ${guestUsed.length} guests still answer`)
    const each = Math.round((rss - rssBefore) / GUESTS)
    values.push(
      `${on} ${percent} % of one core (others ${others} %) and ${rss} MiB, ${each} MiB a guest of ${MEMORY_MIB} MiB`,
    )
    facts[`pcpus${pcpus}`] = idle
  }
  const span = `${GUESTS} guests over ${seconds} s${short ? ' (short form)' : ''}, the limit is ${LIMIT_PERCENT} %`
  return { pass: faults.length === 0, value: `${values.join('; ')}; ${span}`, faults, facts }
}
