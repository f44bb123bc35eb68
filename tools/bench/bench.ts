import { execFile } from 'node:child_process'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { promisify } from 'node:util'
import { makeBenchImage, WORKLOAD } from './bench-image.ts'
import { compared } from './compare.ts'
import { compileWorkload } from './compile-workload.ts'
import type { MachineName, Row, Run } from './kinds.ts'
import { type GuestShape, type Machine, native, paravane, qemuArgs, tcg } from './machines.ts'

export interface BenchOptions {
  /** Names of kernels; all if empty. */
  readonly names: readonly string[]
  /** Processes of each machine. */
  readonly rounds: number
  /** Least time of a batch, ms. */
  readonly time: number
  readonly batches: number
  readonly machines: readonly MachineName[]
  readonly progress: (line: string) => void
}

export interface BenchResult {
  readonly rows: readonly Row[]
  /** What was run and on what, in the order in which it is shown. */
  readonly load: readonly (readonly [what: string, value: string])[]
}

const MEMORY_MIB = 512
const LIMIT_MS = 1_800_000
const QEMU = 'qemu-system-x86_64'

/** @throws RatiosRefused, Error of one line */
export async function bench({ names, rounds, time, batches, machines, progress }: BenchOptions): Promise<BenchResult> {
  const { path: workload, compiler } = await compileWorkload(progress)
  await refuseUnknown(workload, names)
  const image = await makeBenchImage(workload, progress)
  const shape: GuestShape = { ...image, memory: MEMORY_MIB }
  const all: readonly Machine[] = [paravane(shape), tcg(QEMU, shape), native(workload)]
  const chosen = all.filter(({ name }) => machines.includes(name))
  const script = [WORKLOAD, '-t', time, '-b', batches, ...names].join(' ')
  const samples: Record<MachineName, Run[]> = { paravane: [], tcg: [], native: [] }
  const loadBefore = loadavg()[0]
  for (let round = 1; round <= rounds; round++) {
    for (const { name, run } of chosen) {
      progress(`round ${round} of ${rounds}: ${name} ...`)
      samples[name].push(await run(script, LIMIT_MS))
    }
  }
  const load: [string, string][] = [
    ['workload', `${script}; ${compiler}`],
    ['processes of each machine', `${rounds}, interleaved; medians`],
    ['guest', `${samples.paravane[0]?.linux}, ${MEMORY_MIB} MiB, 1 vCPU`],
    ['this machine', `${cpus()[0].model}, ${availableParallelism()} processors, Node ${process.version}`],
    ['its load', `${loadBefore.toFixed(2)} before, ${loadavg()[0].toFixed(2)} after`],
  ]
  if (machines.includes('tcg')) load.push(['rival', await rival(shape)])
  return { rows: compared(samples), load }
}

/** The rival's version and how it is started. */
async function rival(shape: GuestShape): Promise<string> {
  const { stdout } = await promisify(execFile)(QEMU, ['--version'])
  const words = qemuArgs(shape, ' paravane.run=...').map((word) => (/[ ()]/.test(word) ? `'${word}'` : word))
  return `${stdout.split('\n', 1)[0]}: ${QEMU} ${words.join(' ')}`
}

async function refuseUnknown(workload: string, names: readonly string[]): Promise<void> {
  const { stdout } = await promisify(execFile)(workload, ['--list'])
  const known = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0])
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new RangeError(`there is no kernel ${unknown}, only ${known.join(' ')}`)
}
