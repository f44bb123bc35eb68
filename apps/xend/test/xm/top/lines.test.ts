/** xentop's lines, to the byte. */
import { expect, test } from 'vitest'
import { NO_DEVICES } from '../../../src/daemon/top-devices.ts'
import type { TopDomain, TopSnapshot } from '../../../src/daemon/top-snapshot.ts'
import { COLUMNS, stateLetters } from '../../../src/xm/top/columns.ts'
import { screenLines, topLines } from '../../../src/xm/top/lines.ts'
import type { TopView } from '../../../src/xm/top/view.ts'

const HEADER =
  '      NAME  STATE   CPU(sec) CPU(%)     MEM(k) MEM(%)  MAXMEM(k) MAXMEM(%) VCPUS NETS NETTX(k) NETRX(k) VBDS   VBD_OO   VBD_RD   VBD_WR  VBD_RSECT  VBD_WSECT SSID'
const view: TopView = {
  delaySeconds: 3,
  vcpus: false,
  networks: false,
  vbds: false,
  repeatHeader: false,
  sortBy: 0,
  first: 0,
}
const vcpu = (n: number, cpuSeconds: number) => ({ vcpu: n, online: true, cpuSeconds })

function guest(
  domid: number,
  name: string,
  state: string,
  cpuSeconds: number,
  more: Partial<TopDomain> = {},
): TopDomain {
  const memory = { memoryKiB: 262144, maxMemoryKiB: 262144 }
  return {
    domid,
    uuid: `u${domid}`,
    name,
    state,
    cpuSeconds,
    ...memory,
    vcpus: [vcpu(0, cpuSeconds)],
    devices: NO_DEVICES,
    ...more,
  }
}
const domain0: TopDomain = { ...guest(0, 'Domain-0', 'running', 12.9), memoryKiB: 104857, maxMemoryKiB: null }
const at = new Date(2026, 0, 2, 9, 8, 7).getTime()
const snapshot = (domains: readonly TopDomain[], later = 0): TopSnapshot => ({
  at: at + later,
  xen: '4.17.7',
  totalKiB: 1048576,
  freeKiB: 1000,
  cpus: 2,
  mhz: 2600,
  domains,
})
const lines = (now: TopSnapshot, before?: TopSnapshot, change: Partial<TopView> = {}, fullName = false) =>
  topLines({ now, before, view: { ...view, ...change }, fullName })

test('the summary counts states, and says what the host has', () => {
  const states = ['blocked', 'blocked', 'paused', 'crashed', 'dying', 'shutdown', 'suspended']
  const now = snapshot([domain0, ...states.map((state, n) => guest(n + 1, `g${n}`, state, 0))])
  expect(lines(now).summary).toEqual([
    'xentop - 09:08:07   Xen 4.17.7',
    '8 domains: 1 running, 2 blocked, 1 paused, 1 crashed, 1 dying, 2 shutdown ',
    'Mem: 1048576k total, 1047576k used, 1000k free    CPUs: 2 @ 2600MHz',
  ])
})

test('a line for each domain, the first time without a percentage', () => {
  const { header, domains } = lines(snapshot([domain0, guest(1, 'a-name-that-is-long', 'blocked', 3.99)]))
  expect(header).toBe(HEADER)
  expect(domains).toEqual([
    [
      '  Domain-0 -----r         12    0.0     104857   10.0   no limit       n/a     1    0        0        0    0        0        0        0          0          0    0',
    ],
    [
      'a-name-tha --b---          3    0.0     262144   25.0     262144      25.0     1    0        0        0    0        0        0        0          0          0    0',
    ],
  ])
})

test('names are whole if that is wanted', () => {
  const [[line]] = lines(snapshot([guest(1, 'a-name-that-is-long', 'blocked', 3)]), undefined, {}, true).domains as [
    [string],
  ]
  expect(line).toMatch(/^a-name-that-is-long --b--- /)
})

test('the percentage of a pCPU is of the time between two looks, and may pass 100', () => {
  const before = snapshot([guest(1, 'a', 'running', 1), guest(2, 'b', 'running', 1)])
  const now = snapshot(
    [guest(1, 'a', 'running', 4), guest(2, 'b', 'running', 1.25), guest(3, 'new', 'running', 7)],
    2000,
  )
  expect(lines(now, before).domains.map(([line]) => line?.slice(29, 35))).toEqual([' 150.0', '  12.5', '   0.0'])
  // A clock that was set back, and a domain with the number of another.
  expect(lines(snapshot(now.domains, -1), before).domains[0]?.[0]?.slice(29, 35)).toBe('   0.0')
  expect(lines(snapshot([guest(1, 'x', 'running', 0, { uuid: 'other' })], 2000), before).domains[0]?.[0]).toContain(
    ' 0.0 ',
  )
})

test.each([
  ['dying', 'd-----'],
  ['shutdown', '-s----'],
  ['suspended', '-s----'],
  ['blocked', '--b---'],
  ['crashed', '---c--'],
  ['paused', '----p-'],
  ['running', '-----r'],
])('%s is %s', (state, letters) => {
  expect(stateLetters(state)).toBe(letters)
})

test('vCPUs stand five in a line; those that are off are left out', () => {
  const vcpus = [vcpu(0, 1.9), { vcpu: 1, online: false, cpuSeconds: 9 }, ...[2, 3, 4, 5, 6].map((n) => vcpu(n, n))]
  const [[, ...shown]] = lines(snapshot([guest(1, 'a', 'running', 9, { vcpus })]), undefined, { vcpus: true })
    .domains as [string[]]
  expect(shown).toEqual([
    'VCPUs(sec):   0:          1s  2:          2s  3:          3s  4:          4s  5:          5s',
    '              6:          6s',
  ])
})

test('cards and disks have columns, and lines if that is wanted', () => {
  const traffic = (bytes: number) => ({ bytes, packets: 12, errors: 0, drops: 3 })
  const cards = [
    { rx: traffic(2048), tx: traffic(1500) },
    { rx: traffic(0), tx: traffic(1572) },
  ]
  const disks = [{ devid: 51712, reads: 100, writes: 7, readSectors: 800, writtenSectors: 56 }]
  const now = snapshot([guest(1, 'a', 'blocked', 3, { devices: { cards, disks } })])
  const [line, ...more] = lines(now, undefined, { networks: true, vbds: true }).domains[0] as [string, string]
  expect(line.slice(HEADER.indexOf(' NETS'))).toBe(
    '    2        3        2    1        0      100        7        800         56    0',
  )
  expect(more).toEqual([
    'Net0 RX:     2048bytes       12pkts        0err        3drop  TX:     1500bytes       12pkts        0err        3drop',
    'Net1 RX:        0bytes       12pkts        0err        3drop  TX:     1572bytes       12pkts        0err        3drop',
    'VBD BlkBack 51712 [ca: 0]  OO:        0   RD:      100   WR:        7   RSECT:        800   WSECT:         56',
  ])
})

test('the header comes before each domain if that is wanted', () => {
  const { domains } = lines(snapshot([domain0, guest(1, 'a', 'blocked', 0)]), undefined, { repeatHeader: true })
  expect(domains.map((block) => block.length)).toEqual([1, 2])
  expect(domains[1]?.[0]).toBe(HEADER)
})

test.each([
  ['NAME', 'Domain-0 small busy'],
  ['STATE', 'Domain-0 busy small'],
  ['CPU(sec)', 'busy Domain-0 small'],
  ['CPU(%)', 'busy Domain-0 small'],
  ['MEM(k)', 'busy Domain-0 small'],
  ['MAXMEM(k)', 'Domain-0 busy small'],
  ['VCPUS', 'busy Domain-0 small'],
  ['SSID', 'Domain-0 small busy'],
])('sorted by %s', (name, order) => {
  const small = guest(1, 'small', 'paused', 1, { memoryKiB: 1, maxMemoryKiB: 1 })
  const busy = guest(2, 'busy', 'running', 50, { vcpus: [vcpu(0, 1), vcpu(1, 1)] })
  const before = snapshot([domain0, small, { ...busy, cpuSeconds: 40 }], -1000)
  const sortBy = COLUMNS.findIndex((column) => column.name === name)
  const shown = lines(snapshot([domain0, small, busy]), before, { sortBy }).domains.map(
    ([line]) => line?.trim().split(' ')[0],
  )
  expect(shown.join(' ')).toBe(order)
})

const plain = (_: string, text: string): string => text
const marked = (style: string, text: string): string => `<${style}>${text}</${style}>`
const many = snapshot([domain0, ...Array.from({ length: 30 }, (_, n) => guest(n + 1, `g${n + 1}`, 'blocked', 0))])

test.each([
  [80, 24],
  [20, 10],
  [200, 60],
  [1, 1],
  [10, 4],
])('a screen of %i by %i is filled and not overrun', (columns, rows) => {
  const shown = screenLines(lines(many, undefined, { vcpus: true }), view, { columns, rows }, plain)
  expect(shown).toHaveLength(rows)
  for (const line of shown) expect(line.length).toBeLessThanOrEqual(columns)
})

test('the screen has the summary, the header in inverse, the domains from the first that is wanted, and the keys', () => {
  const scrolled = { ...view, first: 3, sortBy: 1 }
  const shown = screenLines(lines(many, undefined, scrolled), scrolled, { columns: 20, rows: 7 }, marked)
  expect(shown).toEqual([
    'xentop - 09:08:07   ',
    '31 domains: 1 runnin',
    'Mem: 1048576k total,',
    '<inverse>      NAME </inverse><inverse><bold> STATE</bold></inverse><inverse>   </inverse>',
    '        g3 --b---   ',
    '        g4 --b---   ',
    'Delay  Networks  vBd',
  ])
  expect(screenLines(lines(many), { ...view, first: 99 }, { columns: 20, rows: 6 }, plain)[4]).toMatch(/^ {7}g30 -/)
  const last = (change: Partial<TopView>) =>
    screenLines(lines(many), { ...view, ...change }, { columns: 60, rows: 9 }, plain).at(-1)
  expect(last({ asked: '1.' })).toBe('Delay (seconds, now 3): 1.')
  expect(last({ note: 'a note' })).toBe('a note')
  expect(last({ note: 'a note', absent: 'xend is away' })).toBe('xend is away')
})
