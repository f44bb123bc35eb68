import { runMachine } from '../accept/machine/run-machine.ts'
import type { Fact } from './fact.ts'
import { FACTS } from './fact-table.ts'
import { faultsOf } from './judge.ts'
import type { Observation } from './watch-fact.ts'

export interface HostileRun {
  readonly observations: readonly Observation[]
  /** A line for each thing that was not as it should be. */
  readonly faults: readonly string[]
}

/** On how many pCPUs a fact runs beside its neighbour: on theirs, or on one more than it has vCPUs. */
export type Company = 'shared' | 'apart'

const pcpusOf = (fact: Fact, company: Company): number => (company === 'shared' ? (fact.vcpus ?? 1) : 2)

/** Runs the facts that `chosen` takes, those of as many pCPUs on one hypervisor. `seed` is of what is random in them. */
export async function runHostile(
  chosen: (fact: Fact) => boolean,
  { company, seed = 1, progress = () => {} }: { company: Company; seed?: number; progress?: (line: string) => void },
): Promise<HostileRun> {
  const observations: Observation[] = []
  const faults: string[] = []
  for (const pcpus of [1, 2]) {
    const facts = FACTS.filter((fact) => chosen(fact) && pcpusOf(fact, company) === pcpus)
    if (facts.length === 0) continue
    const names = facts.map(({ name }) => name).join(',')
    const args = ['--facts', names, '--pcpus', String(pcpus), '--seed', String(seed)]
    const seen = await runMachine<Observation>('../../hostile/run-facts.ts', args, progress)
    if (seen.length < facts.length) faults.push(`only ${seen.length} of ${facts.length} guests came to an end`)
    for (const [n, observation] of seen.entries()) faults.push(...faultsOf(facts[n], observation))
    observations.push(...seen)
  }
  return { observations, faults }
}
