import type { Symbols } from './symbols.ts'
import { hex } from './symbols.ts'
import type { ProfiledFunction, ThreadRecord } from './thread-record.ts'
import { CLASSES, type TimeClass, type TimeRow, timesOf } from './times.ts'

export interface RegionTime {
  readonly ms: number
  /** Where it was seen to run first. */
  readonly address: string
  readonly symbol: string
  /** Places at which it was seen to run. */
  readonly places: number
  readonly bytes: number
  /** Whether an earlier run made it. */
  readonly isKept: boolean
}

export interface ExitRow {
  readonly kind: string
  readonly reason: string
  readonly mode: 'user' | 'kernel'
  readonly count: number
  /** Where most often: [symbol or address, count]. */
  readonly sites: readonly (readonly [string, number])[]
}

export interface CompiledRow {
  /** Seconds of the run. */
  readonly second: number
  readonly regions: number
  readonly instructions: number
  readonly emitMs: number
  readonly modules: number
  readonly bytes: number
  readonly moduleMs: number
}

export interface ThreadReport {
  readonly thread: string
  readonly ms: number
  readonly classes: readonly { readonly class: TimeClass; readonly ms: number }[]
  readonly regions: readonly RegionTime[]
  readonly symbols: readonly TimeRow[]
  readonly functions: readonly TimeRow[]
  readonly exits: readonly ExitRow[]
  readonly compiled: readonly CompiledRow[]
  readonly instances: ThreadRecord['instances']
}

const MOST_SITES = 5

/** @param all of the process: what one thread compiles another may run */
export function reportOf(record: ThreadRecord, symbols: Symbols, all: readonly ThreadRecord[]): ThreadReport {
  const { classes, translated, functions } = timesOf(record.profiles)
  const made = new Map(all.flatMap((thread) => thread.functions.map((f) => [f.name, f] as const)))
  const regions = regionTimes(record, translated, symbols, made)
  const bySymbol = new Map<string, number>()
  for (const { symbol, ms } of regions) {
    const name = symbol.replace(/\+0x[0-9a-f]+$/, '')
    bySymbol.set(name, (bySymbol.get(name) ?? 0) + ms)
  }
  return {
    thread: record.thread,
    ms: record.ms,
    classes: [...classes].map(([name, ms]) => ({ class: name, ms })).sort((a, b) => b.ms - a.ms),
    regions,
    symbols: rows(bySymbol),
    functions: rows(functions),
    exits: exitRows(record, symbols),
    compiled: compiledRows(record),
    instances: record.instances,
  }
}

const rows = (sums: ReadonlyMap<string, number>): TimeRow[] =>
  [...sums].map(([name, ms]) => ({ name, ms })).sort((a, b) => b.ms - a.ms)

function regionTimes(
  { installs }: ThreadRecord,
  translated: ReadonlyMap<string, number>,
  symbols: Symbols,
  made: ReadonlyMap<string, ProfiledFunction>,
): RegionTime[] {
  const places = new Map<string, Set<number>>()
  for (const { name, rip } of installs) places.set(name, (places.get(name) ?? new Set()).add(rip))
  return rows(new Map([...translated].filter(([name]) => name.startsWith('region ')))).map(({ name, ms }) => {
    const [first, ...others] = places.get(name) ?? []
    const known = first !== undefined
    return {
      ms,
      address: known ? hex(first) : '?',
      symbol: known ? symbols.name(first) : '?',
      places: others.length + (known ? 1 : 0),
      bytes: made.get(name)?.bytes ?? 0,
      isKept: made.get(name)?.isKept ?? false,
    }
  })
}

function exitRows({ exits }: ThreadRecord, symbols: Symbols): ExitRow[] {
  const groups = Map.groupBy(exits, ({ kind, reason, isUser }) => `${kind}\n${reason}\n${isUser}`)
  return [...groups.values()]
    .map((group): ExitRow => {
      const [{ kind, reason, isUser }] = group
      const sites = group.toSorted((a, b) => b.count - a.count).slice(0, MOST_SITES)
      const count = group.reduce((sum, exit) => sum + exit.count, 0)
      const named = sites.map((exit) => [isUser ? hex(exit.rip) : symbols.name(exit.rip), exit.count] as const)
      return { kind, reason, mode: isUser ? 'user' : 'kernel', count, sites: named }
    })
    .sort((a, b) => b.count - a.count)
}

function compiledRows({ regions, modules }: ThreadRecord): CompiledRow[] {
  const second = ({ at }: { readonly at: number }): number => Math.trunc(at / 1000)
  const sum = <T>(list: readonly T[], of: (item: T) => number): number => list.reduce((all, item) => all + of(item), 0)
  const made = Map.groupBy(regions, second)
  const compiled = Map.groupBy(
    modules.filter(({ kind }) => kind === 'region'),
    second,
  )
  return [...new Set([...made.keys(), ...compiled.keys()])]
    .sort((a, b) => a - b)
    .map((at) => {
      const [emitted, built] = [made.get(at) ?? [], compiled.get(at) ?? []]
      return {
        second: at,
        regions: emitted.length,
        instructions: sum(emitted, (region) => region.instructions),
        emitMs: sum(emitted, (region) => region.ms),
        modules: built.length,
        bytes: sum(built, (module) => module.bytes),
        moduleMs: sum(built, (module) => module.ms),
      }
    })
}

/** As tables for people. @param most rows of each */
export function reportText(report: ThreadReport, most: number): string {
  const { thread, ms, classes, regions, symbols, functions, exits, compiled, instances } = report
  const share = (part: number): string => `${((100 * part) / ms).toFixed(1)} %`
  const time = (part: number): readonly string[] => [part.toFixed(0), share(part)]
  const exitCount = exits.reduce((all, { count }) => all + count, 0)
  const parts = [
    `== ${thread}: ${(ms / 1000).toFixed(1)} s`,
    table(
      ['ms', 'share', 'time goes to'],
      classes.map((row) => [...time(row.ms), CLASSES[row.class]]),
    ),
    table(
      ['ms', 'share', 'guest symbol'],
      symbols.slice(0, most).map((row) => [...time(row.ms), row.name]),
    ),
    table(
      ['ms', 'share', 'bytes', 'places', 'region at'],
      regions
        .slice(0, most)
        .map((row) => [
          ...time(row.ms),
          `${row.bytes}`,
          `${row.places}`,
          `${row.symbol === row.address ? row.address : `${row.address} ${row.symbol}`}${row.isKept ? ' (kept)' : ''}`,
        ]),
    ),
    table(
      ['ms', 'share', 'function'],
      functions.slice(0, most).map((row) => [...time(row.ms), row.name]),
    ),
    `exits to TypeScript: ${exitCount}, ${((1000 * exitCount) / ms).toFixed(0)} a second`,
    table(
      ['count', 'exit', 'mode', 'most often at'],
      exits
        .slice(0, most)
        .map((row) => [
          `${row.count}`,
          `${row.kind} ${row.reason}`.trimEnd(),
          row.mode,
          row.sites.map(([at, count]) => `${at} ${count}`).join(', '),
        ]),
    ),
    `compiled (instances: ${instances.count} in ${instances.ms.toFixed(0)} ms)`,
    table(
      ['second', 'regions', 'instructions', 'emit ms', 'modules', 'bytes', 'Module ms'],
      compiled.map((row) =>
        [row.second, row.regions, row.instructions, row.emitMs, row.modules, row.bytes, row.moduleMs].map((n) =>
          n.toFixed(0),
        ),
      ),
    ),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

/** Numbers to the right, the last column to the left. Nothing for no rows. */
function table(heads: readonly string[], body: readonly (readonly string[])[]): string {
  if (body.length === 0) return ''
  const all = [heads, ...body]
  const widths = heads.map((_, column) => Math.max(...all.map((row) => row[column].length)))
  return all
    .map((row) => row.map((cell, n) => (n === row.length - 1 ? cell : cell.padStart(widths[n]))).join('  '))
    .join('\n')
}
