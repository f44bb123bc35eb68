/** How long a busy vCPU takes to notice that it has to leave. */
import type { Kicks } from './machine/kicks.ts'
import { runMachine } from './machine/run-machine.ts'
import type { How, Outcome } from './point.ts'

const LIMIT_MS = 1
const COUNT = { full: 20_000, short: 3000 } as const

export async function kickLatency({ short, progress }: How): Promise<Outcome> {
  const count = short ? COUNT.short : COUNT.full
  const [{ ms, idle, others }] = await runMachine<Kicks>('kicks.ts', ['--count', `${count}`], progress)
  const at = (part: number): number => ms[Math.min(ms.length - 1, Math.floor(ms.length * part))]
  const [half, most, longest] = [at(0.5), at(0.999), ms[ms.length - 1]].map((n) => Math.round(n * 1000) / 1000)
  return {
    pass: ms.length > count / 2 && most <= LIMIT_MS,
    value: `99.9 % of ${ms.length} pauses of a busy guest took at most ${most} ms, half ${half}, the longest ${longest} (limit ${LIMIT_MS}); others used ${others} % of a processor${short ? ' (short form)' : ''}`,
    facts: { half, most, longest, idle, others },
  }
}
