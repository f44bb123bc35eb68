import { readLog } from '../../fuzz/log.ts'
import { runTarget } from '../../fuzz/run-target.ts'
import { TARGETS } from '../../fuzz/targets.ts'
import type { How, Outcome } from '../point.ts'

/** Requests of front ends, each at least so many without a finding, logged in docs/fuzzing.jsonl. */
const LEAST_LOGGED = 10_000_000
const NAMES = ['blkback', 'netback'] as const
const SECONDS = { full: 60, short: 5 } as const

/** Front ends that keep to no rule cost themselves their device, and nobody anything else. */
export async function hostileRings({ short, progress }: How): Promise<Outcome> {
  const seed = Math.floor(Date.now() / 1000)
  const faults: string[] = []
  const values: string[] = []
  for (const name of NAMES) {
    const target = TARGETS.find((each) => each.name === name)
    if (target === undefined) throw new Error(`there is no target ${name}`)
    progress(`hostile rings: ${name}, seed ${seed} ...`)
    const { inputs, failures } = await runTarget(target, seed, { seconds: short ? SECONDS.short : SECONDS.full })
    for (const { what, cases } of failures) {
      faults.push(`${name}: ${what} (npm run fuzz -- --target ${name} --seed ${seed} --input ${cases.join('-')})`)
    }
    if (inputs === 0) faults.push(`${name}: no input was tried`)
    const clean = readLog().filter((run) => run.target === name && run.findings === 0)
    const logged = clean.reduce((sum, run) => sum + run.inputs, 0)
    if (logged < LEAST_LOGGED) faults.push(`${name}: only ${logged} requests without a finding are logged`)
    values.push(`${name} ${inputs.toLocaleString('en')} now, ${logged.toLocaleString('en')} logged`)
  }
  return { pass: faults.length === 0, value: values.join('; ') + (short ? ' (short form)' : ''), faults }
}
