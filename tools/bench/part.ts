import { compared } from './compare.ts'
import { MACHINES, type MachineName, type Row, type Run } from './kinds.ts'
import type { Qemu } from './obtain-qemu.ts'

/** What a part of the bench is made with. */
export interface PartInit {
  /** Names of what is wanted of this part; not empty. */
  readonly names: readonly string[]
  /** Path of the compiled workload on this machine. */
  readonly workload: string
  readonly qemu: Qemu
  readonly machines: readonly MachineName[]
  readonly rounds: number
  /** Least time of a batch of calls, ms, and how many batches there are. */
  readonly time: number
  readonly batches: number
  /** Whether the least times count in place of medians. */
  readonly least: boolean
  /** Whether our guests have the compiled code of those before. */
  readonly kept: boolean
  readonly progress: (line: string) => void
}

/** What was run and on what, in the order in which it is shown. */
export type Load = readonly (readonly [what: string, value: string])[]

export interface Result {
  readonly rows: readonly Row[]
  readonly load: Load
}

/** A process of each machine that can run it, round after round. @throws RatiosRefused, Error of one line */
export async function interleaved(
  what: string,
  run: Readonly<Partial<Record<MachineName, () => Promise<Run>>>>,
  { machines, rounds, least, kept, progress }: PartInit,
): Promise<Row[]> {
  const samples: Record<MachineName, Run[]> = { paravane: [], tcg: [], native: [] }
  if (kept && run.paravane && machines.includes('paravane')) {
    progress(`${what}, once to have its code kept ...`)
    await run.paravane()
  }
  for (let round = 1; round <= rounds; round++) {
    for (const machine of MACHINES) {
      const act = machines.includes(machine) ? run[machine] : undefined
      if (act === undefined) continue
      progress(`${what}, round ${round} of ${rounds}: ${machine} ...`)
      samples[machine].push(await act())
    }
  }
  return compared(samples, least)
}
