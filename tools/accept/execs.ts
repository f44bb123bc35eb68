/** One program started over and over, at another address each time: what was compiled for the first serves for all. */
import type { Execs } from './machine/execs.ts'
import { runMachine } from './machine/run-machine.ts'
import type { How, Outcome } from './point.ts'

const COUNT = 100

export async function execsCompileNothing({ progress }: How): Promise<Outcome> {
  const args = ['--count', `${COUNT}`]
  const [{ compiled, addresses }] = await runMachine<Execs>('execs.ts', args, progress, { countsCompiles: true })
  const [first = 0, second = 0, ...rest] = compiled
  const after = rest.reduce((sum, modules) => sum + modules, 0)
  const faults = addresses < COUNT / 2 ? [`only ${addresses} addresses in ${COUNT} starts: no ASLR`] : []
  return {
    pass: after === 0 && compiled.length === COUNT && faults.length === 0,
    value: `modules compiled by ${compiled.length} starts at ${addresses} addresses: ${first} by the first, ${second} by the second, ${after} by the others`,
    faults,
    facts: { compiled },
  }
}
