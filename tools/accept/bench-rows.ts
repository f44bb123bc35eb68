import { bench } from '../bench/bench.ts'
import { geometricMean } from '../bench/compare.ts'
import type { Kind, Row } from '../bench/kinds.ts'
import type { How, Outcome } from './point.ts'

/** Processes of each machine. */
const ROUNDS = { full: 3, short: 1 } as const
type Group = 'kernels' | 'programs' | 'boots' | 'disks' | 'networks' | 'neighbours' | 'disk-boots'
const measured = new Map<Group, Promise<readonly Row[]>>()

/** What `npm run bench` measures, each group once for all points that ask for it. */
function benchRows(group: Group, { short, progress }: How): Promise<readonly Row[]> {
  const known = measured.get(group)
  if (known !== undefined) return known
  const rounds = short ? ROUNDS.short : ROUNDS.full
  const options = { rounds, time: 200, batches: 3, least: false, kept: false, progress } as const
  const rows = bench({ ...options, names: [group], machines: ['paravane', 'tcg', 'native'] }).then(({ rows }) => rows)
  measured.set(group, rows)
  return rows
}

const shown = (ratio: number): string => ratio.toFixed(2)
const shortForm = ({ short }: How): string => (short ? ` (${ROUNDS.short} process each; short form)` : '')

/** Each row of these groups is within the bar that is said for it. */
export function rowsWithin(groups: readonly Group[], barOf: (row: Row) => number): (how: How) => Promise<Outcome> {
  return async (how) => {
    const rows: Row[] = []
    for (const group of groups) rows.push(...(await benchRows(group, how)))
    const line = (row: Row): string =>
      `${row.name} ${row.vsTcg === undefined ? 'no ratio' : shown(row.vsTcg)} (${shown(barOf(row))})`
    const over = rows.filter((row) => !((row.vsTcg ?? Number.NaN) <= barOf(row)))
    return {
      pass: rows.length > 0 && over.length === 0,
      value: `${rows.length - over.length} of ${rows.length} within the bar, as shares of TCG's time: ${rows.map(line).join(', ')}${shortForm(how)}`,
      faults: over.map(line),
      facts: { rows },
    }
  }
}

/** The geometric mean of a kind's ratios to TCG is at most `bar`, and none of them above `worst`. */
export function meanAtMost(kind: Kind, bar: number, worst = Number.POSITIVE_INFINITY): (how: How) => Promise<Outcome> {
  return async (how) => {
    const rows = (await benchRows(kind === 'program' ? 'programs' : 'kernels', how)).filter((row) => row.kind === kind)
    const ratios = rows.map(({ name, vsTcg }) => ({ name, ratio: vsTcg ?? Number.NaN }))
    const mean = geometricMean(ratios.map(({ ratio }) => ratio))
    const faults = ratios.filter(({ ratio }) => !(ratio <= worst)).map((each) => `${each.name}: ${shown(each.ratio)}`)
    const all = ratios.map(({ name, ratio }) => `${name} ${shown(ratio)}`).join(', ')
    const limit = worst === Number.POSITIVE_INFINITY ? '' : `, none above ${worst}`
    return {
      pass: mean <= bar && faults.length === 0,
      value: `${shown(mean)} of TCG's time (at most ${bar}${limit}): ${all}${shortForm(how)}`,
      faults,
      facts: { mean, rows },
    }
  }
}

/** No kernel is slower than `bar` times TCG. */
export function eachAtMost(bar: number): (how: How) => Promise<Outcome> {
  return async (how) => {
    const rows = await benchRows('kernels', how)
    const over = rows.filter(({ vsTcg = Number.NaN }) => !(vsTcg <= bar))
    const slowest = rows.toSorted((a, b) => (b.vsTcg ?? 0) - (a.vsTcg ?? 0))[0]
    return {
      pass: over.length === 0,
      value: `the slowest of ${rows.length} is ${slowest.name}, ${shown(slowest.vsTcg ?? Number.NaN)} (at most ${bar})${shortForm(how)}`,
      faults: over.map(({ name, vsTcg }) => `${name}: ${vsTcg === undefined ? 'no ratio' : shown(vsTcg)}`),
    }
  }
}

/** One row's ratio: to TCG, or of a second guest to the first. */
export function rowAtMost(
  name: string,
  bar: number,
  of: 'vsTcg' | 'vsFirst' = 'vsTcg',
): (how: How) => Promise<Outcome> {
  return async (how) => {
    const group = name === 'boot' || name === 'second-guest' ? 'boots' : 'kernels'
    const row = (await benchRows(group, how)).find((each) => each.name === name)
    const ratio = row?.[of] ?? Number.NaN
    const whose = of === 'vsTcg' ? "TCG's" : "the first one's"
    return {
      pass: ratio <= bar,
      value: `${shown(ratio)} of ${whose} time (at most ${bar})${shortForm(how)}`,
      facts: { row },
    }
  }
}
