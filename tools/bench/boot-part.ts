import { obtainDebianGuest } from '../../apps/xend/src/guest-image/debian-guest.ts'
import type { ConsoleProcess } from '../accept/console-process.ts'
import { HANG_MS, READY } from '../accept/debian-boot.ts'
import { runMachine } from '../accept/machine/run-machine.ts'
import { median } from './compare.ts'
import type { Row, Run } from './kinds.ts'
import { type GuestShape, startParavane, startQemu } from './machines.ts'
import { interleaved, type PartInit, type Result } from './part.ts'
import { rivalsCommand } from './rivals-command.ts'

const MEMORY_MIB = 256
export const BOOTS: readonly string[] = ['boot', 'second-guest']

/** Debian's cloud kernel to its shell, from the start of the process; and of two guests of one process, the second beside the first. */
export async function bootPart(init: PartInit): Promise<Result> {
  const { names, qemu, progress, rounds, machines } = init
  const guest = await obtainDebianGuest({ progress })
  const shape: GuestShape = { ...guest, memory: MEMORY_MIB }
  const rows: Row[] = await interleaved(
    'boot',
    { paravane: () => boot(() => startParavane(shape)), tcg: () => boot(() => startQemu(qemu, shape)) },
    init,
  )
  if (names.includes('second-guest') && machines.includes('paravane')) {
    const pairs: TwoBoots[] = []
    for (let round = 1; round <= rounds; round++) {
      progress(`two guests of one process, round ${round} of ${rounds} ...`)
      pairs.push(...(await runMachine<TwoBoots>('two-boots.ts', [], progress)))
    }
    const ns = median(pairs.map(({ second }) => second)) * 1e9
    const tcg = rows[0]?.ns.tcg
    const vsFirst = median(pairs.map(({ first, second }) => second / first))
    rows.push({ name: 'second-guest', kind: 'boot', vsTcg: tcg && ns / tcg, vsFirst, ns: { paravane: ns }, coldNs: {} })
  }
  const load = [
    ['boot', `Linux ${guest.kernelVersion} to its shell, ${MEMORY_MIB} MiB, 1 vCPU`],
    ['boot in the rival', rivalsCommand(qemu, shape, '')],
  ] as const
  return { rows: rows.filter(({ name }) => names.includes(name)), load }
}

/** Seconds from a domain's making to its shell. */
export interface TwoBoots {
  readonly first: number
  readonly second: number
}

async function boot(start: () => ConsoleProcess): Promise<Run> {
  const guest = start()
  try {
    await guest.shows(READY, HANG_MS)
    return { measures: [{ name: 'boot', kind: 'boot', ns: (performance.now() - guest.begin) * 1e6 }] }
  } finally {
    await guest.kill()
  }
}
