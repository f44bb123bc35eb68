/** A Debian userland and the tests it brings with it, in guests of one, two and four vCPUs. */
import { jobs } from '../userland/job-table.ts'
import { runMachine } from './machine/run-machine.ts'
import type { How, Outcome } from './point.ts'

/** What a guest of several vCPUs runs: threads, processes, signals, all that several processors may disturb. */
const SEVERAL_VCPUS = /^(gcc|gcc-m32|openssl-test|python-(int|threading|subprocess|signal|mmap|ctypes)|perl-io|stress)$/
/** What the short form runs of all that. */
const SHORT = /^(gcc|gcc-m32|faults|faults-i386|openssl-test|python-(int|struct|ctypes|mmap)|perl-(base|cmd|comp))$/
/** As long as all others together: it has a guest of its own, beside theirs. */
const LONGEST = /^perl-re$/
/** Guests one after the other, in as many rows as run side by side. */
const ROWS: readonly (readonly { readonly vcpus: number; readonly runs: (name: string) => boolean }[])[] = [
  [{ vcpus: 1, runs: (name) => LONGEST.test(name) }],
  [
    { vcpus: 1, runs: (name) => !LONGEST.test(name) },
    { vcpus: 2, runs: (name) => SEVERAL_VCPUS.test(name) },
    { vcpus: 4, runs: (name) => SEVERAL_VCPUS.test(name) },
  ],
]

interface Ended {
  readonly name: string
  readonly seconds: number
  readonly fault?: string
}

interface GuestRun {
  readonly vcpus: number
  readonly ends: readonly Ended[]
  readonly faults: readonly string[]
}

export async function userland(how: How): Promise<Outcome> {
  const all = jobs(false).map(({ name }) => name)
  const names = how.short ? all.filter((name) => SHORT.test(name)) : all
  const rows = ROWS.map(async (row) => {
    const runs: GuestRun[] = []
    for (const { vcpus, runs: chosen } of row) runs.push(await guest(vcpus, names.filter(chosen), how))
    return runs
  })
  const runs = (await Promise.all(rows)).flat()
  const faults = runs.flatMap((run) => run.faults)
  const value = runs
    .filter(({ ends }) => ends.length > 0)
    .map(({ vcpus, ends }) => `${on(vcpus)}: ${ends.map(shown).join(', ')}`)
    .join('; ')
  const facts = { guests: runs.map(({ vcpus, ends }) => ({ vcpus, ends })) }
  return { pass: faults.length === 0, value: value + (how.short ? ' (short form)' : ''), faults, facts }
}

async function guest(vcpus: number, names: readonly string[], { progress }: How): Promise<GuestRun> {
  if (names.length === 0) return { vcpus, ends: [], faults: [] }
  let ends: readonly Ended[]
  try {
    ends = await runMachine<Ended>('userland.ts', ['--vcpus', String(vcpus), ...names], progress)
  } catch (error) {
    // The guests beside it go on: they would disturb what is measured next.
    return { vcpus, ends: [], faults: [`${on(vcpus)}: ${(error as Error).message}`] }
  }
  const faults = ends.flatMap(({ name, fault }) => (fault === undefined ? [] : [`${name} on ${on(vcpus)}: ${fault}`]))
  if (ends.length < names.length)
    faults.push(`${on(vcpus)}: only ${ends.length} of ${names.length} jobs came to an end`)
  return { vcpus, ends, faults }
}

const on = (vcpus: number): string => (vcpus === 1 ? '1 vCPU' : `${vcpus} vCPUs`)

const shown = ({ name, seconds, fault }: Ended): string => `${name} ${fault === undefined ? `${seconds} s` : 'FAILED'}`
