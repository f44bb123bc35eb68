/** A Debian userland and the tests it brings with it, in guests of one, two and four vCPUs. */
import { jobs } from '../userland/job-table.ts'
import { runMachine } from './machine/run-machine.ts'
import type { How, Outcome } from './point.ts'

/** What a guest of several vCPUs runs: threads, processes, signals, all that several processors may disturb. */
const SEVERAL_VCPUS = /^(gcc|gcc-m32|openssl-test|python-(int|threading|subprocess|signal|mmap|ctypes)|perl-io|stress)$/
const GUESTS: readonly { readonly vcpus: number; readonly runs: RegExp }[] = [
  { vcpus: 1, runs: /./ },
  { vcpus: 2, runs: SEVERAL_VCPUS },
  { vcpus: 4, runs: SEVERAL_VCPUS },
]

interface Ended {
  readonly name: string
  readonly seconds: number
  readonly fault?: string
}

export async function userland({ short, progress }: How): Promise<Outcome> {
  const values: string[] = []
  const faults: string[] = []
  const facts: Record<string, unknown> = {}
  for (const { vcpus, runs } of GUESTS) {
    const names = jobs(short)
      .map(({ name }) => name)
      .filter((name) => runs.test(name))
    const args = ['--vcpus', String(vcpus), ...(short ? ['--short'] : []), ...names]
    const ends = await runMachine<Ended>('userland.ts', args, progress)
    const on = `${vcpus} ${vcpus === 1 ? 'vCPU' : 'vCPUs'}`
    if (ends.length < names.length) faults.push(`${on}: only ${ends.length} of ${names.length} jobs came to an end`)
    for (const { name, fault } of ends) if (fault !== undefined) faults.push(`${name} on ${on}: ${fault}`)
    values.push(
      `${on}: ${ends.map(({ name, seconds, fault }) => `${name} ${fault ? 'FAILED' : `${seconds} s`}`).join(', ')}`,
    )
    facts[`vcpus${vcpus}`] = ends
  }
  return { pass: faults.length === 0, value: values.join('; ') + (short ? ' (short form)' : ''), faults, facts }
}
