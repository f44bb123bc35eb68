import type { SchedulerLimits, SchedulerParams } from '../plugin/scheduler.ts'
import { SimulatedMachine } from './machine.ts'
import type { SchedulerSubject } from './scheduler.ts'
import { check, type SuiteCase } from './suite-case.ts'
import { spin } from './workload.ts'

const SECOND = 1_000_000_000
/** Simulated time of a measurement, and by how much of a pCPU a share may miss. */
const MEASURED = 20 * SECOND
const TOLERANCE = 0.03

interface ShareCase {
  readonly name: string
  readonly pcpus: number
  /** By domain: its parameters, how many busy units it has, and the pCPUs it must get. */
  readonly domains: readonly {
    readonly weight?: number
    readonly cap?: number
    readonly units: number
    readonly gets: number
  }[]
}

const WEIGHTS: readonly ShareCase[] = [
  {
    name: 'equal weights share evenly',
    pcpus: 1,
    domains: [1, 2, 3].map(() => ({ weight: 256, units: 1, gets: 1 / 3 })),
  },
  {
    name: 'weights 256 and 512 share one pCPU one to two',
    pcpus: 1,
    domains: [
      { weight: 256, units: 1, gets: 1 / 3 },
      { weight: 512, units: 1, gets: 2 / 3 },
    ],
  },
  {
    name: 'weights 256, 512 and 1024 share one pCPU one to two to four',
    pcpus: 1,
    domains: [256, 512, 1024].map((weight) => ({ weight, units: 1, gets: weight / 1792 })),
  },
  {
    name: 'weights hold across two pCPUs',
    pcpus: 2,
    domains: [
      { weight: 256, units: 2, gets: 2 / 3 },
      { weight: 512, units: 2, gets: 4 / 3 },
    ],
  },
  {
    name: 'what a unit cannot use goes to the others',
    pcpus: 2,
    domains: [
      { weight: 2048, units: 1, gets: 1 },
      { weight: 256, units: 2, gets: 1 },
    ],
  },
]

const CAPS: readonly ShareCase[] = [
  { name: 'a cap holds on an idle machine', pcpus: 2, domains: [{ cap: 40, units: 1, gets: 0.4 }] },
  { name: 'a cap above 100 limits a domain of several units', pcpus: 4, domains: [{ cap: 150, units: 3, gets: 1.5 }] },
  {
    name: 'what a cap keeps back goes to the others',
    pcpus: 1,
    domains: [
      { cap: 25, units: 1, gets: 0.25 },
      { units: 1, gets: 0.75 },
    ],
  },
]

function measure(subject: SchedulerSubject, { pcpus, domains }: ShareCase): void {
  const { weight: weightName, cap: capName } = subject.shares ?? {}
  const limits: SchedulerLimits = { pcpus, domains: domains.length, units: 16 }
  const machine = new SimulatedMachine(subject.make, limits)
  let unit = 0
  const members = domains.map(({ weight, cap, units }, domain) => {
    const params: Record<string, number> = {}
    if (weight !== undefined && weightName !== undefined) params[weightName] = weight
    if (cap !== undefined && capName !== undefined) params[capName] = cap
    machine.addDomain(domain, params satisfies SchedulerParams)
    if (cap !== undefined) machine.heldBack.add(domain)
    return Array.from({ length: units }, () => {
      machine.addUnit(unit, domain, spin())
      return unit++
    })
  })
  const used = (): number[] => members.map((units) => units.reduce((sum, it) => sum + machine.used(it), 0))
  machine.run(SECOND)
  const before = used()
  machine.run(SECOND + MEASURED)
  for (const [domain, after] of used().entries()) {
    const share = (after - before[domain]!) / MEASURED
    const { gets } = domains[domain]!
    check(
      Math.abs(share - gets) <= TOLERANCE,
      `domain ${domain} got ${share.toFixed(3)} pCPUs, its share is ${gets.toFixed(3)}`,
    )
  }
}

/** How the pCPUs are divided, as far as the scheduler claims to do it. */
export function shareCases(subject: SchedulerSubject): SuiteCase[] {
  const cases = [
    ...(subject.shares?.weight === undefined ? [] : WEIGHTS),
    ...(subject.shares?.cap === undefined ? [] : CAPS),
  ]
  return cases.map((it) => ({ name: it.name, run: () => measure(subject, it) }))
}
