/** The totals of all runs that were logged, and their table in docs/fuzzing.md. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { RunTotals } from './run-target.ts'

const FOLDER = new URL('../../docs/', import.meta.url)
const LOG = new URL('fuzzing.jsonl', FOLDER)
const PAGE = new URL('fuzzing.md', FOLDER)
const TABLE = /<!-- totals -->[\s\S]*<!-- end of totals -->/

/** One target in one run. */
export interface LoggedRun {
  readonly date: string
  readonly machine: string
  readonly node: string
  /** Of the tree that ran; it may have held changes beside. */
  readonly commit: string
  readonly target: string
  readonly seed: number
  readonly inputs: number
  readonly seconds: number
  readonly findings: number
}

export function readLog(): readonly LoggedRun[] {
  if (!existsSync(LOG)) return []
  const lines = readFileSync(LOG, 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as LoggedRun)
}

/** Adds a run of a target, and brings the page's table up to date. */
export function logRun({ target, seed, inputs, seconds, failures }: RunTotals): void {
  const run: LoggedRun = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model.trim()} x ${cpus().length}`,
    node: process.version,
    commit: execFileSync('git', ['rev-parse', '--short=10', 'HEAD'], { cwd: FOLDER, encoding: 'utf8' }).trim(),
    target,
    seed,
    inputs,
    seconds: Math.round(seconds),
    findings: failures.length,
  }
  appendFileSync(LOG, `${JSON.stringify(run)}\n`)
  const page = readFileSync(PAGE, 'utf8')
  writeFileSync(PAGE, page.replace(TABLE, `<!-- totals -->\n\n${totalsTable(readLog())}\n\n<!-- end of totals -->`))
}

export interface Totals {
  readonly inputs: number
  readonly seconds: number
  readonly findings: number
}

export function sumOf(runs: readonly LoggedRun[]): Totals {
  const sum = (value: (run: LoggedRun) => number) => runs.reduce((total, run) => total + value(run), 0)
  return { inputs: sum((run) => run.inputs), seconds: sum((run) => run.seconds), findings: sum((run) => run.findings) }
}

/** A row for each target and one for all, as Markdown. */
export function totalsTable(runs: readonly LoggedRun[]): string {
  const targets = [...new Set(runs.map(({ target }) => target))]
  const row = (name: string, of: readonly LoggedRun[]): string[] => {
    const { inputs, seconds, findings } = sumOf(of)
    const seeds = [...new Set(of.map(({ seed }) => seed))]
    const shown = name === 'all' ? '' : seeds.length > 6 ? `${seeds.length} seeds` : seeds.join(', ')
    return [name, inputs.toLocaleString('en'), (seconds / 3600).toFixed(2), String(findings), shown]
  }
  const rows = [
    ['target', 'inputs', 'hours', 'findings', 'seeds'],
    ...targets.map((target) =>
      row(
        target,
        runs.filter((run) => run.target === target),
      ),
    ),
    row('all', runs),
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)))
  const line = (cells: readonly string[]) => `| ${cells.map((cell, n) => cell.padEnd(widths[n]!)).join(' | ')} |`
  return [line(rows[0]!), line(widths.map((width) => '-'.repeat(width))), ...rows.slice(1).map(line)].join('\n')
}
