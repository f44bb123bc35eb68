/** The columns of xentop, each with what it sorts by (tools/xenstat/xentop/xentop.c of Xen 4.1). */
import type { TopCard, TopDisk } from '../../daemon/top-devices.ts'
import type { TopDomain, TopSnapshot } from '../../daemon/top-snapshot.ts'

/** A domain between two looks. */
export interface TopRow {
  readonly domain: TopDomain
  /** Of one pCPU, in the time since the look before; 0 at the first. */
  readonly cpuPercent: number
  readonly memoryPercent: number
  /** Undefined: there is no limit. */
  readonly maxMemoryPercent: number | undefined
}

export interface Column {
  readonly name: string
  readonly width: number
  readonly text: (row: TopRow) => string
  /** Below 0 if `a` comes first. */
  readonly order: (a: TopRow, b: TopRow) => number
}

/** The larger first. */
const byValue =
  (value: (row: TopRow) => number): Column['order'] =>
  (a, b) =>
    value(b) - value(a)

const LETTERS = ['dying', 'shutdown', 'blocked', 'crashed', 'paused', 'running'] as const

/** Six places, `dsbcpr`: another order than that of xm list. */
export function stateLetters(state: string): string {
  const shown = state === 'suspended' ? 'shutdown' : state
  return LETTERS.map((name) => (name === shown ? name.slice(0, 1) : '-')).join('')
}

const number = (name: string, width: number, value: (row: TopRow) => number, digits: number): Column => ({
  name,
  width,
  text: (row) => value(row).toFixed(digits),
  order: byValue(value),
})

/** Of what there is not. */
const none = (name: string, width: number): Column => number(name, width, () => 0, 0)
const KIB = 1024
const overCards = (name: string, width: number, value: (card: TopCard) => number): Column =>
  number(name, width, ({ domain }) => sum(domain.devices.cards.map(value)), 0)
const overDisks = (name: string, width: number, value: (disk: TopDisk) => number): Column =>
  number(name, width, ({ domain }) => sum(domain.devices.disks.map(value)), 0)
const sum = (values: readonly number[]): number => Math.floor(values.reduce((all, value) => all + value, 0))

export const COLUMNS: readonly Column[] = [
  {
    name: 'NAME',
    width: 10,
    text: ({ domain }) => domain.name,
    order: (a, b) => a.domain.domid - b.domain.domid,
  },
  {
    name: 'STATE',
    width: 6,
    text: ({ domain }) => stateLetters(domain.state),
    order: byValue(({ domain }) => stateLetters(domain.state).search(/[a-z]/)),
  },
  number('CPU(sec)', 10, ({ domain }) => Math.floor(domain.cpuSeconds), 0),
  number('CPU(%)', 6, ({ cpuPercent }) => cpuPercent, 1),
  number('MEM(k)', 10, ({ domain }) => domain.memoryKiB, 0),
  number('MEM(%)', 6, ({ memoryPercent }) => memoryPercent, 1),
  {
    name: 'MAXMEM(k)',
    width: 10,
    text: ({ domain }) => String(domain.maxMemoryKiB ?? 'no limit'),
    order: byValue(({ domain }) => domain.maxMemoryKiB ?? Number.MAX_VALUE),
  },
  {
    name: 'MAXMEM(%)',
    width: 9,
    text: ({ maxMemoryPercent }) => maxMemoryPercent?.toFixed(1) ?? 'n/a',
    order: byValue(({ domain }) => domain.maxMemoryKiB ?? Number.MAX_VALUE),
  },
  number('VCPUS', 5, ({ domain }) => domain.vcpus.length, 0),
  overCards('NETS', 4, () => 1),
  overCards('NETTX(k)', 8, ({ tx }) => tx.bytes / KIB),
  overCards('NETRX(k)', 8, ({ rx }) => rx.bytes / KIB),
  overDisks('VBDS', 4, () => 1),
  none('VBD_OO', 8),
  overDisks('VBD_RD', 8, ({ reads }) => reads),
  overDisks('VBD_WR', 8, ({ writes }) => writes),
  overDisks('VBD_RSECT', 10, ({ readSectors }) => readSectors),
  overDisks('VBD_WSECT', 10, ({ writtenSectors }) => writtenSectors),
  none('SSID', 4),
]

/** @param before the look before this, if there was one */
export function topRows(now: TopSnapshot, before: TopSnapshot | undefined): readonly TopRow[] {
  const ms = before === undefined ? 0 : now.at - before.at
  const percent = (kib: number): number => (now.totalKiB === 0 ? 0 : (kib / now.totalKiB) * 100)
  return now.domains.map((domain) => {
    const last = before?.domains.find(({ uuid, domid }) => uuid === domain.uuid && domid === domain.domid)
    const used = last === undefined || ms <= 0 ? 0 : ((domain.cpuSeconds - last.cpuSeconds) * 1e5) / ms
    return {
      domain,
      cpuPercent: Math.max(0, used),
      memoryPercent: percent(domain.memoryKiB),
      maxMemoryPercent: domain.maxMemoryKiB === null ? undefined : percent(domain.maxMemoryKiB),
    }
  })
}
