import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { cacheFolder } from '../../apps/xend/src/guest-image/cache-folder.ts'
import { obtainDebianGuest } from '../../apps/xend/src/guest-image/debian-guest.ts'
import { openKernelFile } from '../../libs/core/src/builder/kernel-file.ts'
import type { ConsoleProcess } from '../accept/console-process.ts'
import { HANG_MS, READY } from '../accept/debian-boot.ts'
import { runMachine } from '../accept/machine/run-machine.ts'
import { median } from './compare.ts'
import type { Row, Run } from './kinds.ts'
import { type GuestShape, startParavane, startQemu } from './machines.ts'
import { interleaved, type PartInit, type Result } from './part.ts'
import { rivalsCommand } from './rivals-command.ts'

const MEMORY_MIB = 256
/** Time for a process to end in order. */
const ENDING_MS = 10_000
export const BOOTS: readonly string[] = ['boot', 'boot-unpacked', 'second-guest']

/** Debian's cloud kernel to its shell, from the start of the process; and of two guests of one process, the second beside the first. */
export async function bootPart(init: PartInit): Promise<Result> {
  const { names, qemu, progress, rounds, machines, kept } = init
  const guest = await obtainDebianGuest({ progress })
  const shape: GuestShape = { ...guest, memory: MEMORY_MIB }
  const timed = (name: string, of: GuestShape): Promise<Row[]> => {
    const run = {
      paravane: () => boot(name, startParavane(of, '', kept)),
      tcg: () => boot(name, startQemu(qemu, of)),
    }
    return interleaved(name, run, init)
  }
  const rows = await timed('boot', shape)
  if (names.includes('boot-unpacked'))
    rows.push(...(await timed('boot-unpacked', { ...shape, kernel: await unpacked(guest.kernel) })))
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
    ['boot', `Linux ${guest.kernelVersion} from the start of the process to its shell, ${MEMORY_MIB} MiB, 1 vCPU`],
    ['boot in the rival', rivalsCommand(qemu, shape, '')],
  ] as const
  return { rows: rows.filter(({ name }) => names.includes(name)), load }
}

/** The ELF file within a bzImage, which QEMU starts by its PVH entry: then neither has to unpack it. */
async function unpacked(kernel: string): Promise<string> {
  const path = join(cacheFolder(), 'bench', `${basename(dirname(kernel))}.elf`)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, openKernelFile(await readFile(kernel), kernel).bytes)
  return path
}

/** Seconds from a domain's making to its shell. */
export interface TwoBoots {
  readonly first: number
  readonly second: number
}

async function boot(name: string, guest: ConsoleProcess): Promise<Run> {
  try {
    await guest.shows(READY, HANG_MS)
    return { measures: [{ name, kind: 'boot', ns: (performance.now() - guest.begin) * 1e6 }] }
  } finally {
    // What it has compiled is kept when it ends in order.
    await guest.terminate(ENDING_MS)
  }
}
