/** First light, point 1: Debian's cloud kernel boots to a shell, however much memory it has, again and again, and in company. */
import { type BootEnd, bootDebian } from './debian-boot.ts'
import { runMachine } from './machine/run-machine.ts'
import type { How, Outcome } from './point.ts'

const SIZES: readonly number[] = [80, 96, 128, 256, 512, 1024, 2048]
const SHORT_SIZES: readonly number[] = [80, 2048]
const LIMIT_S = 15
/** Where others use more than this of a processor a late boot is tried again, which its value says. */
const OTHERS_LIMIT = 0.3
const MOST_TRIES = 4
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
  const faults: string[] = []
  const values: string[] = []
  const bootSeconds: Record<number, readonly number[]> = {}
  for (const memory of short ? SHORT_SIZES : SIZES) {
    const tries: BootEnd[] = []
    do {
      tries.push(await bootDebian(['--memory', String(memory)]))
      progress(`${memory} MiB: ${told(tries.at(-1)!)}`)
    } while (tries.length < MOST_TRIES && wasHeldUp(tries.at(-1)!))
    bootSeconds[memory] = tries.map(({ boot }) => boot)
    const { boot, fault } = tries.at(-1)!
    if (fault !== undefined) faults.push(`${memory} MiB: ${fault}`)
    else if (boot > LIMIT_S) faults.push(`${memory} MiB: ${tries.map(told).join('; ')}: the limit is ${LIMIT_S} s`)
    values.push(`${memory} MiB ${boot} s${tries.length > 1 ? ` (try ${tries.length} on a busy host)` : ''}`)
  }
  return { value: `${values.join(', ')} (limit ${LIMIT_S} s)`, faults, facts: { bootSeconds } }
}

/** A boot that was good but late, on a host whose processors others used: it says nothing of us. */
function wasHeldUp({ boot, fault, others = 0 }: BootEnd): boolean {
  return fault === undefined && boot > LIMIT_S && others > OTHERS_LIMIT
}

function told({ boot, cpu, others, fault }: BootEnd): string {
  return fault ?? `${boot} s (${cpu} s of CPU; others kept ${others} processors busy)`
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
