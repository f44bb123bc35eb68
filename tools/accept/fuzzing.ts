/** Fuzzing: every target runs for a while with a seed of its own of this run, and the totals logged so far are stated. */
import { readLog, sumOf } from '../fuzz/log.ts'
import { runTarget } from '../fuzz/run-target.ts'
import { TARGETS } from '../fuzz/targets.ts'
import type { How, Outcome } from './point.ts'

/** Inputs over all targets that must have been logged. */
const LEAST_LOGGED = 50_000_000
const SECONDS = { full: 30, short: 3 } as const

export async function fuzzing({ short, progress }: How): Promise<Outcome> {
  const seconds = short ? SECONDS.short : SECONDS.full
  const seed = Math.floor(Date.now() / 1000)
  const faults: string[] = []
  const inputs: Record<string, number> = {}
  const leftOut: string[] = []
  for (const target of TARGETS) {
    const missing = target.missing?.()
    if (missing !== undefined) {
      leftOut.push(`${target.name} left out: ${missing}`)
      continue
    }
    const run = await runTarget(target, seed, { seconds })
    inputs[target.name] = run.inputs
    progress(`${target.name}: ${run.inputs} inputs, ${run.failures.length} findings`)
    for (const { what, cases } of run.failures) {
      faults.push(
        `${target.name}: ${what} (npm run fuzz -- --target ${target.name} --seed ${seed} --input ${cases.join('-')})`,
      )
    }
    if (run.inputs === 0) faults.push(`${target.name}: no input was tried`)
  }
  const logged = readLog()
  const { inputs: total, seconds: spent, findings } = sumOf(logged)
  const unlogged = TARGETS.filter(({ name }) => !logged.some(({ target }) => target === name))
  for (const { name } of unlogged) faults.push(`${name}: no run is logged in docs/fuzzing.jsonl`)
  if (total < LEAST_LOGGED) faults.push(`only ${total} inputs are logged, not ${LEAST_LOGGED}`)
  const now = Object.values(inputs).reduce((sum, count) => sum + count, 0)
  const parts = [
    `${now.toLocaleString('en')} inputs now over ${Object.keys(inputs).length} targets, seed ${seed}`,
    `${total.toLocaleString('en')} logged in ${(spent / 3600).toFixed(2)} hours with ${findings} findings (docs/fuzzing.md)`,
    ...leftOut,
  ]
  return {
    pass: faults.length === 0,
    value: parts.join('; ') + (short ? ' (short form)' : ''),
    faults,
    facts: { inputs, logged: { inputs: total, seconds: spent, findings }, seed },
  }
}
