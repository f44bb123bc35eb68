/** xenstore beside Debian's own, in C: its dialogues, line by line, then operations a second with one client and with fifty. */
import { meanRatio, xenstoreBench } from '../xenstored/bench.ts'
import { compareDialogues } from '../xenstored/compare.ts'
import type { How, Outcome } from './point.ts'

const RUN = { full: { rounds: 15, seconds: 0.2 }, short: { rounds: 5, seconds: 0.1 } } as const
/** Ours over theirs, at least. */
const BARS = [
  { clients: 1, bar: 1 },
  { clients: 50, bar: 0.8 },
] as const

export async function xenstoreSpeed({ short, progress }: How): Promise<Outcome> {
  progress("dialogues with Debian's xenstored ...")
  const { dialogues, lines, deliberate, faults } = await compareDialogues(progress)
  const { rows, rival } = await xenstoreBench({ ...(short ? RUN.short : RUN.full), progress })
  const means = BARS.map(({ clients, bar }) => ({ clients, bar, mean: meanRatio(rows, clients) }))
  const shown = means.map(({ clients, bar, mean }) => {
    const each = rows.filter((row) => row.clients === clients).map(({ work, ratio }) => `${work} ${ratio.toFixed(2)}`)
    return `${clients} client${clients === 1 ? '' : 's'} ${mean.toFixed(2)} (at least ${bar}: ${each.join(', ')})`
  })
  const value = [
    `operations a second over those of xenstored ${rival}: ${shown.join('; ')}`,
    `${dialogues} dialogues of ${lines} lines, ${deliberate} otherwise by intent`,
  ].join('; ')
  return {
    pass: faults.length === 0 && means.every(({ mean, bar }) => mean >= bar),
    value: short ? `${value} (short form)` : value,
    faults,
    facts: { means, rows },
  }
}
