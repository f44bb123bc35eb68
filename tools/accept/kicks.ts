/** How long a busy vCPU takes to notice that it has to leave. */
import type { Kicks } from './machine/kicks.ts'
import { runMachine } from './machine/run-machine.ts'
import type { How, Outcome } from './point.ts'

const LIMIT_MS = 1
const COUNT = { full: 20_000, short: 3000 } as const

export async function kickLatency({ short, progress }: How): Promise<Outcome> {
  const count = short ? COUNT.short : COUNT.full
  const [{ ms, withWaits, idle, others }] = await runMachine<Kicks>('kicks.ts', ['--count', `${count}`], progress)
  const at = (part: number, of = ms): number => of[Math.min(of.length - 1, Math.floor(of.length * part))]
  const figures = [at(0.999), ms[ms.length - 1], at(0.5, withWaits), at(0.999, withWaits)]
  const [most, longest, half, waited] = figures.map((n) => Math.round(n * 1000) / 1000)
  return {
    pass: ms.length > count / 2 && most <= LIMIT_MS,
    value: `99.9 % of ${ms.length} pauses of a busy guest took at most ${most} ms (limit ${LIMIT_MS}), the longest ${longest}, but for time in which the host ran something else; with that half took at most ${half}, 99.9 % ${waited}; others used ${others} % of a processor${short ? ' (short form)' : ''}`,
    facts: { most, longest, half, waited, idle, others },
  }
}
