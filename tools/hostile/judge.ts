import { DIFFERENT, XEN_ANSWERS } from './answers-table.ts'
import type { Fact } from './fact.ts'
import type { Observation } from './watch-fact.ts'

/** MiB a hostile guest may cost at any moment: its memory, translations, compiled regions, and what V8 has not collected yet. */
const MOST_GROWN = 512
/**
 * Milliseconds without a heartbeat, whose period is 100: generous, as the tests share a machine; and more where the longest gap
 * of the neighbour alone says how busy that is.
 */
const LONGEST_GAP = 2000
const BUSY_FACTOR = 5
const BEATS_A_SECOND = 10
/** Of the heartbeats due so many have to be there; and some may fall just outside of a short time. */
const SHARE_OF_BEATS = 0.6
const BEATS_AT_THE_EDGES = 2
const DESTROYED_MS = 10_000
/** Reasons that are a guest's own: what it did, and not what we did. */
const OWN_REASONS = /^(vector \d+ error|iret|the guest's kernel|shutdown reason|.* callback: )/

/** What is not as the fact's row says; empty when all is well. */
export function faultsOf(fact: Fact, seen: Observation): string[] {
  const faults = [...endFaults(fact, seen), ...answerFaults(fact, seen), ...neighbourFaults(seen)]
  for (const bug of seen.bugs) faults.push(`a bug of ours: ${bug}`)
  for (const shown of fact.shows ?? []) if (!shown.test(seen.shown)) faults.push(`it did not show ${shown}`)
  if (seen.grown > MOST_GROWN) faults.push(`the process grew by ${Math.round(seen.grown)} MiB`)
  if (seen.destroyed > DESTROYED_MS) faults.push(`it took ${Math.round(seen.destroyed)} ms to destroy it`)
  return faults.map((fault) => `${fact.name} on ${seen.pcpus} pCPU${seen.pcpus > 1 ? 's' : ''}: ${fault}`)
}

function endFaults({ end }: Fact, seen: Observation): string[] {
  const how = seen.detail === undefined ? seen.end : `${seen.end}, ${seen.detail}`
  if (end === 'runs')
    return seen.end === 'runs' ? [] : [`it ended: ${how}; shown ${JSON.stringify(seen.shown.slice(-200))}`]
  if (end === 'any')
    return seen.end === 'runs' || seen.end === 'poweroff' || OWN_REASONS.test(seen.detail ?? '')
      ? []
      : [`it ended: ${how}`]
  if (seen.end !== end.reason)
    return [`it did not end by ${end.reason}: ${how}; shown ${JSON.stringify(seen.shown.slice(-200))}`]
  return end.detail === undefined || end.detail.test(seen.detail ?? '') ? [] : [`it ended for another reason: ${how}`]
}

function answerFaults({ name, answers }: Fact, { shown }: Observation): string[] {
  if (!answers) return []
  const given = new Map(
    [...shown.matchAll(/^([a-z0-9-]+): (-?\d+)\r?$/gm)].map(([, key, value]) => [key, Number(value)]),
  )
  const wanted = Object.entries(XEN_ANSWERS[name] ?? {})
  return wanted.flatMap(([key, xen]) => {
    const answer = DIFFERENT[key]?.ours ?? xen
    return given.get(key) === answer ? [] : [`${key} was answered by ${given.get(key)} and not by ${answer}`]
  })
}

function neighbourFaults({ heartbeat: { seconds, beats, longestGap }, alone }: Observation): string[] {
  const due = Math.floor((seconds * BEATS_A_SECOND - BEATS_AT_THE_EDGES) * SHARE_OF_BEATS)
  return [
    ...(beats < due ? [`the neighbour's heart beat ${beats} times in ${seconds.toFixed(1)} s`] : []),
    ...(longestGap > LONGEST_GAP + BUSY_FACTOR * alone.longestGap
      ? [`the neighbour's heart stood still for ${Math.round(longestGap)} ms`]
      : []),
  ]
}
