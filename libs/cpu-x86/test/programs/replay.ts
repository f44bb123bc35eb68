import { hashOf } from './final-state.ts'
import { generate } from './generate.ts'
import { checkOf, type ProgramRecord } from './records.ts'
import type { ProgramRunner } from './tier.ts'

const SHOWN = 10

/** Runs programs and answers a line for each, up to ten, that does not end as recorded. */
export function disagreements(runner: ProgramRunner, records: readonly ProgramRecord[]): string[] {
  const found: string[] = []
  for (const record of records) {
    const { seed } = record
    const program = generate(seed)
    if (checkOf(program) !== record.check) {
      found.push(`program ${seed} is no longer the one recorded: node tools/record-programs/record.ts writes them anew`)
      break
    }
    const final = runner.run(program)
    if (final && Buffer.compare(hashOf(program, final), record.hash) === 0) continue
    const how = final ? `ends by exception ${final.vector}, in another state than recorded` : 'does not end'
    found.push(`program ${seed} ${how} (exception ${record.vector}): node tools/record-programs/show.ts ${seed}`)
    if (found.length === SHOWN) break
  }
  return found
}
