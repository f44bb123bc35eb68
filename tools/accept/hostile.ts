/** Trust: hostile guests end for their own reasons or run until they are destroyed, and harm nobody. */
import { XEN_ANSWERS } from '../hostile/answers-table.ts'
import { runHostile } from '../hostile/run-hostile.ts'
import type { Observation } from '../hostile/watch-fact.ts'
import type { How, Outcome } from './point.ts'

export async function hostileGuests({ short, progress }: How): Promise<Outcome> {
  const shared = await runHostile(() => true, { company: 'shared', progress })
  const apart = await runHostile((fact) => !short && fact.vcpus === undefined, { company: 'apart', progress })
  const observations = [...shared.observations, ...apart.observations]
  const faults = [...shared.faults, ...apart.faults]
  const worst = (of: (seen: Observation) => number): Observation =>
    observations.reduce((a, b) => (of(b) > of(a) ? b : a))
  const gap = worst(({ heartbeat }) => heartbeat.longestGap)
  const grown = worst((seen) => seen.grown)
  const beats = observations.reduce((sum, { heartbeat }) => sum + heartbeat.beats, 0)
  const refusals = Object.values(XEN_ANSWERS).reduce((sum, answers) => sum + Object.keys(answers).length, 0)
  return {
    pass: faults.length === 0,
    value: [
      `${observations.length} runs of ${shared.observations.length} guests, ${refusals} answers of the page-type rules as Xen 4.17 gives them or as stated`,
      `${beats} heartbeats of the neighbour, the longest time between two ${Math.round(gap.heartbeat.longestGap)} ms (${gap.fact})`,
      `at most ${Math.round(grown.grown)} MiB more (${grown.fact})`,
      `${observations.reduce((sum, { bugs }) => sum + bugs.length, 0)} reports of a bug of ours${short ? ' (short form)' : ''}`,
    ].join('; '),
    faults,
    facts: {
      hostile: observations.map(({ fact, pcpus, end, heartbeat, grown }) => ({ fact, pcpus, end, heartbeat, grown })),
    },
  }
}
