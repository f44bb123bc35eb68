import {
  KINDS,
  type Kind,
  MACHINES,
  type MachineName,
  type Measure,
  type Row,
  type Run,
  type Samples,
} from './kinds.ts'

/** Why there are no ratios: what was timed is not the same. */
export class RatiosRefused extends Error {}

/** Of numbers in any order. @throws RangeError if there is none */
export function median(numbers: readonly number[]): number {
  if (numbers.length === 0) throw new RangeError('the median of nothing')
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * The rows, in the order in which our first process named them.
 * @param least whether the least times count in place of medians, as on a busy machine
 * @throws RatiosRefused
 */
export function compared(samples: Samples, least = false): Row[] {
  sameInAll('Linux', samples, ({ linux }) => linux, ['paravane', 'tcg'])
  sameInAll('the processor', samples, ({ cpu }) => cpu, ['paravane', 'tcg'])
  sameInAll('what was run', samples, ({ measures }) => measures.map(({ name }) => name).join(' '), MACHINES)
  const first = MACHINES.map((machine) => samples[machine][0]).find((run) => run !== undefined)
  return (first?.measures ?? []).map(({ name, kind }) => rowOf(name, kind, samples, least))
}

function rowOf(name: string, kind: Kind, samples: Samples, least: boolean): Row {
  const of = ({ measures }: Run): Measure => measures.find((measure) => measure.name === name)!
  sameInAll(`the checksum of ${name}`, samples, (run) => of(run).checksum, MACHINES)
  const ns: Partial<Record<MachineName, number>> = {}
  const coldNs: Partial<Record<MachineName, number>> = {}
  for (const machine of MACHINES) {
    const all = samples[machine].map(of)
    if (all.length === 0) continue
    ns[machine] = least
      ? Math.min(...all.map((measure) => measure.leastNs ?? measure.ns))
      : median(all.map((measure) => measure.ns))
    const cold = all.flatMap((measure) => measure.coldNs ?? [])
    if (cold.length > 0) coldNs[machine] = median(cold)
  }
  return { name, kind, vsTcg: ratio(ns.paravane, ns.tcg), vsNative: ratio(ns.paravane, ns.native), ns, coldNs }
}

function ratio(ours: number | undefined, theirs: number | undefined): number | undefined {
  return ours === undefined || theirs === undefined ? undefined : ours / theirs
}

function sameInAll(
  what: string,
  samples: Samples,
  of: (run: Run) => string | undefined,
  machines: readonly MachineName[],
): void {
  const all = machines.flatMap((machine) => samples[machine].map((run) => ({ machine, value: of(run) })))
  const other = all.find(({ value }) => value !== all[0].value)
  if (other === undefined) return
  const shown = (value: string | undefined): string => value ?? 'nothing'
  throw new RatiosRefused(
    `no ratios: ${what} differs: ${all[0].machine} has ${shown(all[0].value)}, ${other.machine} ${shown(other.value)}`,
  )
}

/** Of the ratios to TCG. NaN if there is none. */
export function geometricMean(numbers: readonly number[]): number {
  return Math.exp(numbers.reduce((sum, number) => sum + Math.log(number), 0) / numbers.length)
}

/** The geometric mean of a ratio by kind, of those kinds that have one. */
export function means(rows: readonly Row[], of: 'vsTcg' | 'vsNative'): Partial<Record<Kind, number>> {
  const found: Partial<Record<Kind, number>> = {}
  for (const kind of KINDS) {
    // The time of a boot and that of a second guest have bars of their own.
    if (kind === 'boot') continue
    const ratios = rows.filter((row) => row.kind === kind).flatMap((row) => row[of] ?? [])
    if (ratios.length > 0) found[kind] = geometricMean(ratios)
  }
  return found
}
