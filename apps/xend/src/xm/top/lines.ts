/** The lines of xentop, to the byte (tools/xenstat/xentop/xentop.c of Xen 4.1). */
import type { TopDomain, TopSnapshot } from '../../daemon/top-snapshot.ts'
import { COLUMNS, type TopRow, topRows } from './columns.ts'
import { cardLine, diskLine } from './device-lines.ts'
import type { TopView } from './view.ts'

const VCPUS_A_LINE = 5
const VCPUS = 'VCPUs(sec): '

export interface LinesInit {
  readonly now: TopSnapshot
  readonly before: TopSnapshot | undefined
  readonly view: TopView
  /** Names are not cut. */
  readonly fullName: boolean
}

export interface TopLines {
  readonly summary: readonly string[]
  readonly header: string
  /** Those of each domain, in order. */
  readonly domains: readonly (readonly string[])[]
}

export function topLines({ now, before, view, fullName }: LinesInit): TopLines {
  const order = COLUMNS[view.sortBy]?.order ?? (() => 0)
  const rows = topRows(now, before).toSorted((a, b) => order(a, b) || a.domain.domid - b.domain.domid)
  const header = headerLine()
  return {
    summary: summaryLines(now),
    header,
    domains: rows.map((row, n) => [
      ...(view.repeatHeader && n > 0 ? [header] : []),
      domainLine(row, fullName),
      ...(view.vcpus ? vcpuLines(row.domain) : []),
      ...(view.networks ? row.domain.devices.cards.map(cardLine) : []),
      ...(view.vbds ? row.domain.devices.disks.map(diskLine) : []),
    ]),
  }
}

const headerLine = (): string => COLUMNS.map(({ name, width }) => name.padStart(width)).join(' ')

/** Where a column begins and ends in its line. */
export function columnSpan(column: number): readonly [from: number, to: number] {
  const from = COLUMNS.slice(0, column).reduce((sum, { width }) => sum + width + 1, 0)
  return [from, from + (COLUMNS[column]?.width ?? 0)]
}

function domainLine(row: TopRow, fullName: boolean): string {
  return COLUMNS.map(({ name, width, text }) => {
    const shown = text(row)
    return (name === 'NAME' && !fullName ? shown.slice(0, width) : shown).padStart(width)
  }).join(' ')
}

function vcpuLines({ vcpus }: TopDomain): readonly string[] {
  const texts = vcpus
    .filter(({ online }) => online)
    .map(({ vcpu, cpuSeconds }) => ` ${String(vcpu).padStart(2)}: ${String(Math.floor(cpuSeconds)).padStart(10)}s`)
  const lines: string[] = []
  for (let n = 0; n < texts.length || n === 0; n += VCPUS_A_LINE) {
    lines.push((n === 0 ? VCPUS : ' '.repeat(VCPUS.length)) + texts.slice(n, n + VCPUS_A_LINE).join(''))
  }
  return lines
}

function summaryLines({ at, xen, totalKiB, freeKiB, cpus, mhz, domains }: TopSnapshot): readonly string[] {
  const clock = new Date(at).toTimeString().slice(0, 8)
  const count = (...states: string[]): number => domains.filter(({ state }) => states.includes(state)).length
  return [
    `xentop - ${clock}   Xen ${xen}`,
    `${domains.length} domains: ${count('running')} running, ${count('blocked')} blocked, ${count('paused')} paused, ${count('crashed')} crashed, ${count('dying')} dying, ${count('shutdown', 'suspended')} shutdown `,
    `Mem: ${totalKiB}k total, ${totalKiB - freeKiB}k used, ${freeKiB}k free    CPUs: ${cpus} @ ${mhz}MHz`,
  ]
}

const KEYS = 'Delay  Networks  vBds  VCPUs  Repeat header  Sort order  Quit'

/** What fits on a screen, cut to it. The header is shown inverse, the column that is sorted by bold. */
export function screenLines(
  lines: TopLines,
  view: TopView,
  size: { readonly columns: number; readonly rows: number },
  paint: (style: 'inverse' | 'bold', text: string) => string,
): readonly string[] {
  const { columns, rows } = size
  const cut = (line: string): string => line.slice(0, columns)
  const [from, to] = columnSpan(view.sortBy)
  const header = cut(lines.header.padEnd(columns))
  const painted =
    paint('inverse', header.slice(0, from)) +
    paint('inverse', paint('bold', header.slice(from, to))) +
    paint('inverse', header.slice(to))
  const top = [...lines.summary.map(cut), painted]
  const bottom = bottomLine(view)
  const room = Math.max(0, rows - top.length - 1)
  const first = Math.min(view.first, Math.max(0, lines.domains.length - 1))
  const middle = lines.domains
    .slice(first)
    .flat()
    .slice(0, room)
    .map((line) => (line === lines.header ? paint('inverse', cut(line)) : cut(line)))
  const empty = Array.from({ length: room - middle.length }, () => '')
  return [...top, ...middle, ...empty, cut(bottom)].slice(0, rows)
}

function bottomLine({ asked, absent, note, delaySeconds }: TopView): string {
  if (asked !== undefined) return `Delay (seconds, now ${delaySeconds}): ${asked}`
  return absent ?? note ?? KEYS
}
