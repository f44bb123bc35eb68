/** Lines of the classic commands, to the byte: the formats of tools/python/xen/xm/main.py of Xen 4.1. */
import { expect, test } from 'vitest'
import type { ListedDevice } from '../../src/daemon/device-list.ts'
import { endOutcome } from '../../src/xm/await-end.ts'
import { formatCpuList, parseCpuList } from '../../src/xm/cpu-list.ts'
import { BLOCK_HEADER, blockLine, NETWORK_HEADER, networkLine } from '../../src/xm/device-lines.ts'
import { infoLines } from '../../src/xm/node-commands.ts'
import { SHARE_HEADER, shareLine } from '../../src/xm/sched-credit.ts'
import { uptimeLine } from '../../src/xm/uptime.ts'
import { VCPU_HEADER, vcpuLine } from '../../src/xm/vcpu-commands.ts'

test.each([
  [0, 'hello                                1  0:00:00\n'],
  [59.6, 'hello                                1  0:01:00\n'],
  [3661, 'hello                                1  1:01:01\n'],
  [86400 + 36000, 'hello                                1 1 day, 10:00:00\n'],
  [12 * 86400 + 5, 'hello                                1 12 days,  0:00:05\n'],
])('uptime of %f s', (uptimeSeconds, line) => {
  expect(uptimeLine({ name: 'hello', domid: 1, uptimeSeconds })).toBe(line)
})

test('uptime in short', () => {
  const uptime = { name: 'hello', domid: 12, uptimeSeconds: 2 * 86400 + 3 * 3600 + 240 }
  expect(uptimeLine(uptime, new Date(2026, 0, 2, 9, 8, 7))).toBe(' 09:08:07 up 2 days,  3:04, hello (12)\n')
})

test('the vCPUs of a domain', () => {
  expect(VCPU_HEADER).toBe('Name                                ID  VCPU   CPU State   Time(s) CPU Affinity\n')
  const row = { name: 'hello', domid: 1, vcpu: 0, online: true, cpuSeconds: 3.14, affinity: [0, 1] } as const
  expect(vcpuLine({ ...row, pcpu: 1, state: 'running' }, 2)).toBe(
    'hello                                1     0     1   r--       3.1 any cpu\n',
  )
  expect(vcpuLine({ ...row, pcpu: 1, state: 'blocked' }, 4)).toBe(
    'hello                                1     0     1   -b-       3.1 0-1\n',
  )
  expect(vcpuLine({ ...row, pcpu: 0, state: 'runnable', cpuSeconds: 123456.78 }, 4)).toBe(
    'hello                                1     0     0   ---  123456.8 0-1\n',
  )
  expect(vcpuLine({ ...row, pcpu: null, state: 'offline', online: false, affinity: [] }, 2)).toBe(
    'hello                                1     0     -   --p       3.1 no cpus\n',
  )
})

test('the shares of domains', () => {
  expect(SHARE_HEADER).toBe('Name                                ID Weight  Cap\n')
  expect(shareLine({ name: 'hello', domid: 1, weight: 256, cap: 0 })).toBe(
    'hello                                1    256    0\n',
  )
  expect(shareLine({ name: 'Domain-0', domid: 0, weight: null, cap: null })).toBe(
    'Domain-0                             0      -    -\n',
  )
})

const device = (front: Readonly<Record<string, string>>, devid = 0): ListedDevice => ({
  ...{ domid: 1, type: 'vif', devid, frontState: 4, backState: 4, frontPath: '', facts: {} },
  backPath: `/local/domain/0/backend/x/1/${devid}`,
  front: { 'backend-id': '0', state: '4', ...front },
  back: { mac: '00:16:3e:00:00:01' },
})

test('the disks of a domain', () => {
  expect(BLOCK_HEADER).toBe('Vdev  BE handle state evt-ch ring-ref BE-path\n')
  const row = '51712  0    0     4      15     8     /local/domain/0/backend/x/1/51712  \n'
  expect(blockLine(device({ 'ring-ref': '8', 'event-channel': '15' }, 51712))).toBe(row)
  expect(blockLine(device({ 'ring-ref0': '8', 'ring-ref1': '9', 'event-channel': '15' }, 51712))).toBe(row)
  expect(blockLine(device({ 'queue-0/ring-ref': '8', 'queue-0/event-channel': '15' }, 51712))).toBe(row)
  // The guest may write anything.
  expect(blockLine(device({ state: '\x1b[2J', 'ring-ref': '1e9', 'event-channel': '-5' }, 5))).toBe(
    '5      0    0     -1     -1     -1    /local/domain/0/backend/x/1/5   \n',
  )
})

test('the network cards of a domain', () => {
  expect(NETWORK_HEADER).toBe('Idx BE     MAC Addr.     handle state evt-ch tx-/rx-ring-ref BE-path\n')
  const rings = { 'tx-ring-ref': '522', 'rx-ring-ref': '523' }
  const row = '0   0  00:16:3e:00:00:01    0     4      16    522  /523     /local/domain/0/backend/x/1/0   \n'
  expect(networkLine(device({ handle: '0', ...rings, 'event-channel': '16' }))).toBe(row)
  expect(networkLine(device({ ...rings, 'event-channel-tx': '16', 'event-channel-rx': '17' }))).toBe(row)
  const ofQueue = Object.fromEntries(Object.entries(rings).map(([key, value]) => [`queue-0/${key}`, value]))
  expect(networkLine(device({ ...ofQueue, 'queue-0/event-channel-tx': '16' }))).toBe(row)
})

test('info', () => {
  expect(infoLines({ host: 'h', nr_cpus: 2, cc_compile_domain: '' }, 23)).toBe(
    'host                   : h\nnr_cpus                : 2\ncc_compile_domain      : \n',
  )
})

test.each([
  ['0', [0]],
  ['0-3,^1,5', [0, 2, 3, 5]],
  ['3,1-2', [1, 2, 3]],
  ['^1,0-1', [0, 1]],
  ['all', Array.from({ length: 64 }, (_, n) => n)],
])('the list of CPUs %s', (text, cpus) => {
  expect(parseCpuList(text)).toEqual(cpus)
})

test.each(['', 'x', '1-', '3-1', '1,,2', '-1', '0x1'])('%j is no list of CPUs', (text) => {
  expect(() => parseCpuList(text)).toThrow(
    `Invalid argument: '${text}' is no list of CPUs; write it as 0-3,^1,5 or all`,
  )
})

test.each([
  [[0, 1], 2, 'any cpu'],
  [[1, 0, 3], 4, '0-1,3'],
  [[0], 4, '0'],
  [[0, 2, 4, 5, 6], 8, '0,2,4-6'],
  [[], 4, 'no cpus'],
])('CPUs %j of %i are shown as %s', (cpus, pcpus, text) => {
  expect(formatCpuList(cpus, pcpus)).toBe(text)
})

const was = { domid: 3, name: 'a', uuid: 'u', memoryMiB: 8, vcpus: 1, state: 'blocked', cpuSeconds: 0 }
const ended = { ...was, state: 'shutdown' }
const anew = { ...was, domid: 4, state: 'running' }

test.each([
  ['it runs on', [was], true, 99, undefined],
  ['its number is that of another', [{ ...was, uuid: 'v' }], false, 0, 'terminated'],
  ['it is gone', [], false, 0, 'terminated'],
  ['it is kept', [ended], false, 0, 'terminated'],
  ['it is there again', [anew], true, 5, 'rebooted'],
  ['it may come yet', [], true, 29, undefined],
  ['it does not come', [], true, 30, 'destroyed for failing to reboot'],
  ['it is kept for long', [ended], true, 30, 'kept, and not rebooted'],
] as const)('of a domain that is waited for: %s', (_, rows, isReboot, looks, outcome) => {
  expect(endOutcome(was, rows, isReboot, looks)).toBe(outcome)
})
