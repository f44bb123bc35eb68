import type { SimulatedMachine } from './machine.ts'
import { bursts, seeded, spin } from './workload.ts'

/** Random life on a machine until `until` ns: units come, go, move, stop and yield. The same for the same seed. */
export function disturb(machine: SimulatedMachine, seed: number, until: number): void {
  const random = seeded(seed)
  const below = (n: number): number => Math.floor(random() * n)
  const { pcpus, domains, units } = machine.limits
  const living = new Set<number>()
  const some = (): number | undefined => [...living][below(living.size)]
  const affinity = (): bigint => {
    const mask = BigInt(1 + below(2 ** Math.min(pcpus, 20) - 1))
    return random() < 0.5 ? (1n << BigInt(pcpus)) - 1n : mask
  }

  const add = (): void => {
    const unit = below(units)
    if (machine.has(unit)) return
    living.add(unit)
    const work = random() < 0.3 ? spin() : bursts(below(1000), 20_000_000, 10_000_000)
    machine.addUnit(unit, below(domains), work, affinity())
  }
  const withUnit = (act: (unit: number) => void) => (): void => {
    const unit = some()
    if (unit !== undefined) act(unit)
  }
  const actions = [
    add,
    add,
    withUnit((unit) => {
      living.delete(unit)
      machine.removeUnit(unit)
    }),
    withUnit((unit) => machine.pause(unit)),
    withUnit((unit) => machine.unpause(unit)),
    withUnit((unit) => machine.unpause(unit)),
    withUnit((unit) => machine.setAffinity(unit, affinity())),
    withUnit((unit) => machine.yield(unit)),
  ]

  for (let domain = 0; domain < domains; domain++) machine.addDomain(domain)
  for (let i = 0; i < 2 * pcpus; i++) add()
  for (let time = 0; time < until; time += 1 + below(6_000_000)) {
    machine.run(time)
    // Several at one time, so that they meet before the pCPUs have noticed.
    for (let i = below(4); i >= 0; i--) actions[below(actions.length)]!()
  }
  machine.run(until)
  for (const unit of living) machine.removeUnit(unit)
  machine.settle()
  for (let domain = 0; domain < domains; domain++) machine.removeDomain(domain)
}
