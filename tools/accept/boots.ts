/** First light, point 1: Debian's cloud kernel boots to a shell, however much memory it has, again and again, and in company. */
import { bootDebian } from './debian-boot.ts'
import { runMachine } from './machine/run-machine.ts'
import type { How, Outcome } from './point.ts'

const SIZES: readonly number[] = [80, 96, 128, 256, 512, 1024, 2048]
const SHORT_SIZES: readonly number[] = [80, 2048]
const LIMIT_S = 15
const IN_A_ROW = { full: 50, short: 3 } as const
const PCPUS: readonly number[] = [1, 2]

interface Part {
  readonly value: string
  readonly faults: readonly string[]
  readonly facts: Record<string, unknown>
}

export async function boots(how: How): Promise<Outcome> {
  const parts: Part[] = [await bySize(how), await inARow(how)]
  for (const pcpus of PCPUS) parts.push(await together(pcpus, how))
  return {
    pass: parts.every(({ faults }) => faults.length === 0),
    value: parts.map(({ value }) => value).join('; ') + (how.short ? ' (short form)' : ''),
    faults: parts.flatMap(({ faults }) => faults),
    facts: Object.assign({}, ...parts.map(({ facts }) => facts)),
  }
}

async function bySize({ short, progress }: How): Promise<Part> {
  const seconds: Record<number, number> = {}
  const cpuSeconds: Record<number, number | undefined> = {}
  const faults: string[] = []
  for (const memory of short ? SHORT_SIZES : SIZES) {
    const { boot, cpu, fault } = await bootDebian(['--memory', String(memory)])
    seconds[memory] = boot
    cpuSeconds[memory] = cpu
    progress(`${memory} MiB: ${fault ?? `${boot} s`}`)
    if (fault !== undefined) faults.push(`${memory} MiB: ${fault}`)
    else if (boot > LIMIT_S)
      faults.push(`${memory} MiB: ${boot} s to the shell (CPU time ${cpu} s), the limit is ${LIMIT_S} s`)
  }
  const each = Object.entries(seconds).map(
    ([memory, boot]) => `${memory} MiB ${boot} s (CPU ${cpuSeconds[Number(memory)]} s)`,
  )
  return { value: `${each.join(', ')} (limit ${LIMIT_S} s)`, faults, facts: { bootSeconds: seconds, cpuSeconds } }
}

/** What a guest on a machine of machine/guests.ts did. */
interface GuestEnd {
  readonly boot: number
  readonly fault?: string
}

async function inARow({ short, progress }: How): Promise<Part> {
  const wanted = short ? IN_A_ROW.short : IN_A_ROW.full
  const ends = await runMachine<GuestEnd>('guests.ts', ['--pcpus', '1', '--rounds', String(wanted)], progress)
  const good = ends.filter(({ fault }) => fault === undefined)
  const faults = ends.flatMap(({ fault }, n) => (fault === undefined ? [] : [`boot ${n + 1} in a row: ${fault}`]))
  if (ends.length < wanted) faults.push(`only ${ends.length} of ${wanted} boots in a row came to an end`)
  const slowest = Math.max(...ends.map(({ boot }) => boot))
  return {
    value: `${good.length} of ${wanted} good in a row on one hypervisor, the slowest ${slowest} s`,
    faults,
    facts: { inARow: ends.map(({ boot }) => boot) },
  }
}

async function together(pcpus: number, { progress }: How): Promise<Part> {
  const ends = await runMachine<GuestEnd>('guests.ts', ['--pcpus', String(pcpus), '--together', '2'], progress)
  const faults = ends.flatMap(({ fault }) => (fault === undefined ? [] : [`two guests on ${pcpus} pCPUs: ${fault}`]))
  if (ends.length < 2) faults.push(`two guests on ${pcpus} pCPUs: ${ends.length} came to an end`)
  const times = ends.map(({ boot }) => `${boot} s`).join(' and ')
  return {
    value: `two together on ${pcpus} ${pcpus === 1 ? 'pCPU' : 'pCPUs'} ${times}`,
    faults,
    facts: { [`together${pcpus}`]: ends.map(({ boot }) => boot) },
  }
}
