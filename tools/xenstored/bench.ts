/** Operations of xenstore a second: ours beside Debian's own, the one in C, by the same clients (load.c). */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { geometricMean, median } from '../bench/compare.ts'
import { OwnXenstored } from './own-xenstored.ts'
import { RealXenstored } from './real-xenstored.ts'

const LOAD = fileURLToPath(new URL('load.c', import.meta.url))
const WORKS = ['read', 'write', 'directory', 'mkdir-rm', 'transaction', 'watch', 'mixed'] as const
/** How many clients ask at once, and where all of it is run: one client and its server wait for each other all the time. */
const LOADS = [
  { clients: 1, processors: '0' },
  { clients: 50, processors: undefined },
] as const

export interface XenstoreRow {
  readonly work: (typeof WORKS)[number]
  readonly clients: number
  /** Requests answered in a second, of all clients, in the best round: what others do on the machine only slows. */
  readonly ours: number
  readonly theirs: number
  /** Ours over theirs. */
  readonly ratio: number
  /** The median of the rounds' own ratios. */
  readonly medianRatio: number
}

export interface XenstoreResult {
  readonly rows: readonly XenstoreRow[]
  /** The version of Debian's package. */
  readonly rival: string
}

export interface XenstoreBenchOptions {
  readonly rounds: number
  /** Of each round, for each of the two. */
  readonly seconds: number
  readonly progress: (line: string) => void
}

export async function xenstoreBench(options: XenstoreBenchOptions): Promise<XenstoreResult> {
  const folder = await mkdtemp(join(tmpdir(), 'xenstore-load-'))
  try {
    const load = join(folder, 'load')
    await promisify(execFile)(process.env.CC || 'cc', ['-O2', '-o', load, LOAD])
    const results: XenstoreResult[] = []
    for (const each of LOADS) results.push(await underLoad(load, each, options))
    return { rows: results.flatMap(({ rows }) => rows), rival: results[0].rival }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The mean of the ratios with so many clients. */
export function meanRatio(rows: readonly XenstoreRow[], clients: number): number {
  return geometricMean(rows.filter((row) => row.clients === clients).map(({ ratio }) => ratio))
}

async function underLoad(
  load: string,
  { clients, processors }: (typeof LOADS)[number],
  { rounds, seconds, progress }: XenstoreBenchOptions,
): Promise<XenstoreResult> {
  const command = processors === undefined ? [] : ['taskset', '-c', processors]
  const own = await OwnXenstored.start(command)
  try {
    const real = await RealXenstored.start(progress, command)
    try {
      const rate = async (socket: string, work: string): Promise<number> => {
        const args = [socket, String(clients), String(seconds), processors ?? '-1', work]
        return Number((await promisify(execFile)(load, args)).stdout)
      }
      const rows: XenstoreRow[] = []
      for (const work of WORKS) {
        progress(`xenstore: ${work}, clients: ${clients} ...`)
        const pairs: { readonly ours: number; readonly theirs: number }[] = []
        for (let round = 0; round < rounds; round++) {
          pairs.push({ ours: await rate(own.socketPath, work), theirs: await rate(real.socketPath, work) })
        }
        const best = {
          ours: Math.max(...pairs.map(({ ours }) => ours)),
          theirs: Math.max(...pairs.map(({ theirs }) => theirs)),
        }
        rows.push({
          work,
          clients,
          ...best,
          ratio: best.ours / best.theirs,
          medianRatio: median(pairs.map(({ ours, theirs }) => ours / theirs)),
        })
      }
      return { rows, rival: real.packages.version }
    } finally {
      await real.stop()
    }
  } finally {
    await own.stop()
  }
}

/** A Markdown table, with the means. */
export function xenstoreTable({ rows, rival }: XenstoreResult): string {
  const rate = (n: number): string => String(Math.round(n)).padStart(8)
  const lines = rows.map(
    ({ work, clients, ours, theirs, ratio, medianRatio }) =>
      `| ${work.padEnd(11)} | ${String(clients).padStart(7)} | ${rate(ours)} | ${rate(theirs)} | ${ratio.toFixed(2).padStart(5)} | ${medianRatio.toFixed(2).padStart(6)} |`,
  )
  const means = LOADS.map(
    ({ clients }) => `${meanRatio(rows, clients).toFixed(2)} with ${clients} client${clients === 1 ? '' : 's'}`,
  )
  return [
    '| operations  | clients |   ours/s |      C/s | ratio | median |',
    '| ----------- | ------- | -------- | -------- | ----- | ------ |',
    ...lines,
    '',
    `Geometric mean of the ratios to Debian's xenstored ${rival}: ${means.join(', ')}.`,
  ].join('\n')
}
