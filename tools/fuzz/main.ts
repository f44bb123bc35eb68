/**
 * `npm run fuzz`: runs targets against their oracles and prints what was found. The exit status is 1 if anything was,
 * and 2 for wrong usage.
 */
import { parseArgs } from 'node:util'
import { logRun } from './log.ts'
import { type Bounds, type Failure, failureOf, type RunTotals, runTarget } from './run-target.ts'
import type { Target } from './target.ts'
import { TARGETS } from './targets.ts'

const USAGE = `usage: npm run fuzz -- [--target T] [--seconds S | --inputs N] [--seed N] [--log]
       npm run fuzz -- --target T --seed N --input K[-L]
       npm run fuzz -- --target T --hex BYTES
Targets: ${TARGETS.map(({ name }) => name).join(', ')}; without one, all of them in turn.
  --seconds S   for each target; 10 if neither is given
  --inputs N    for each target
  --seed N      1 unless given: the same seed makes the same cases
  --input K     the case of this number only, or K to L
  --hex BYTES   a case as a finding shows it
  --log         add the totals to docs/fuzzing.jsonl and to the table of docs/fuzzing.md`
const DEFAULT_SECONDS = 10

interface Wish {
  readonly targets: readonly Target[]
  readonly bounds: Bounds
  readonly seed: number
  readonly hex?: string
  readonly log: boolean
}

function readArguments(): Wish {
  const { values } = parseArgs({
    options: {
      target: { type: 'string' },
      seconds: { type: 'string' },
      inputs: { type: 'string' },
      seed: { type: 'string', default: '1' },
      input: { type: 'string' },
      hex: { type: 'string' },
      log: { type: 'boolean', default: false },
    },
  })
  const { target, hex, log } = values
  const targets = TARGETS.filter(({ name }) => target === undefined || name === target)
  if (targets.length === 0) throw new RangeError(`there is no target ${target}`)
  if ((hex !== undefined || values.input !== undefined) && target === undefined) throw new RangeError('name a target')
  const number = (name: 'seconds' | 'inputs' | 'seed'): number | undefined => {
    const text = values[name]
    if (text === undefined) return undefined
    if (!/^\d+$/.test(text)) throw new RangeError(`--${name} takes a whole number, not ${text}`)
    return Number(text)
  }
  const [inputs, seconds, seed] = [number('inputs'), number('seconds'), number('seed')!]
  if (values.input !== undefined) {
    const range = /^(\d+)(?:-(\d+))?$/.exec(values.input)
    if (range === null) throw new RangeError(`--input takes K or K-L, not ${values.input}`)
    return { targets, bounds: { only: [Number(range[1]), Number(range[2] ?? range[1])] }, seed, log }
  }
  const bounds = { inputs, seconds: inputs === undefined ? (seconds ?? DEFAULT_SECONDS) : seconds }
  return { targets, bounds, seed, log, ...(hex !== undefined && { hex }) }
}

function show({ target, seed, cases: [first, last], what, stack, smallest }: Failure): void {
  const range = first === last ? String(last) : `${first}-${last}`
  console.log(`FINDING ${target}: ${what}`)
  console.log(`  again:    npm run fuzz -- --target ${target} --seed ${seed} --input ${range}`)
  if (smallest !== undefined) console.log(`  smallest: npm run fuzz -- --target ${target} --hex ${smallest || '00'}`)
  for (const line of stack.split('\n').slice(1, 7)) console.log(`  ${line.trim()}`)
}

function told({ target, inputs, seconds, cases, seed, failures }: RunTotals): string {
  const rate = Math.round(inputs / Math.max(seconds, 0.001))
  return `${target}: ${inputs} inputs (${cases} cases, seed ${seed}) in ${seconds.toFixed(1)} s, ${rate} inputs/s, findings: ${failures.length}`
}

async function replay(target: Target, hex: string): Promise<boolean> {
  const what = await failureOf(target, Buffer.from(hex, 'hex'))
  console.log(what === undefined ? `${target.name}: nothing found` : `FINDING ${target.name}: ${what}`)
  return what === undefined
}

async function fuzz({ targets, bounds, seed, hex, log }: Wish): Promise<boolean> {
  let good = true
  for (const target of targets) {
    const missing = target.missing?.()
    if (missing !== undefined) {
      console.log(`${target.name}: left out: ${missing}`)
      continue
    }
    if (hex !== undefined) return replay(target, hex)
    const totals = await runTarget(target, seed, bounds)
    for (const failure of totals.failures) show(failure)
    console.log(told(totals))
    if (log && totals.inputs > 0) logRun(totals)
    good &&= totals.failures.length === 0
  }
  return good
}

try {
  process.exitCode = (await fuzz(readArguments())) ? 0 : 1
} catch (error) {
  if (!(error instanceof RangeError || error instanceof TypeError)) throw error
  console.error(`fuzz: ${error.message}\n${USAGE}`)
  process.exitCode = 2
}
