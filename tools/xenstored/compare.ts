/** Plays the dialogues of core's tests with Debian's own xenstored, and tells what it says otherwise than they say it does. */
import { Dialogue } from '../../libs/core/test/xenstore/dialogue.ts'
import { HOMES, type Talk, xens } from '../../libs/core/test/xenstore/dialogues/talk.ts'
import { TALKS } from '../../libs/core/test/xenstore/dialogues/talks.ts'
import { RealPlace } from './real-place.ts'

export interface Comparison {
  readonly dialogues: number
  readonly lines: number
  /** Lines that are marked, as ours says them otherwise. */
  readonly deliberate: number
  /** A text for each line that neither says. */
  readonly faults: readonly string[]
}

type Progress = (line: string) => void

export async function compareDialogues(progress: Progress): Promise<Comparison> {
  const talks = Object.entries(TALKS).flatMap(([group, all]) => all.map((talk) => ({ group, talk })))
  const faults: string[] = []
  for (const { group, talk } of talks) {
    for (const fault of await differences(talk, progress)) faults.push(`${group} ${talk.name}: ${fault}`)
  }
  const lines = talks.flatMap(({ talk }) => talk.lines)
  const deliberate = lines.filter((line) => xens(line) !== line).length
  return { dialogues: talks.length, lines: lines.length, deliberate, faults }
}

async function differences({ lines }: Talk, progress: Progress): Promise<readonly string[]> {
  const place = await RealPlace.open(progress)
  try {
    const wanted = [...HOMES, ...lines.map(xens)]
    const got = await new Dialogue(place).play(wanted)
    return got.flatMap((line, n) => {
      const right = line === wanted[n] || wanted[n]?.endsWith(' ?')
      return right ? [] : [`${wanted[n]}, but xenstored: ${line}`]
    })
  } finally {
    await place.close()
  }
}

if (import.meta.main) {
  const { dialogues, lines, deliberate, faults } = await compareDialogues((line) => process.stderr.write(`${line}\n`))
  for (const fault of faults) console.log(fault)
  console.log(
    `${dialogues} dialogues of ${lines} lines, ${deliberate} otherwise by intent, ${faults.length} unexplained`,
  )
  process.exitCode = faults.length === 0 ? 0 : 1
}
