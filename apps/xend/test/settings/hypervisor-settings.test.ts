import { expect, test } from 'vitest'
import { differences, hypervisorArguments, hypervisorSettings } from '../../src/settings/hypervisor-settings.ts'
import { judgeSettings, settingsOf } from '../../src/settings/read-settings.ts'
import type { XendSettings } from '../../src/settings/xend-keys.ts'

const read = (text: string): XendSettings => judgeSettings(settingsOf(text, 'xend.cfg')).settings
const ALL = `pcpus = 3
cpu = 'max,-aes,-sha'
keep = 'no'
sched = "it's"
plugins = ['a', {'use': './b c.mjs', 'config': {'deep': [1, None, {'x': True}]}, 'optional': 1}]
networks = [{'name': 'lan', 'uplink': 'tap', 'device': 'br0'}]
default_network = 'in'
group = 'kvm'
readers = 'users'
log_level = 'trace'
log_format = 'json'
log_kib = 16
console_kib = 64
metrics_port = 9000
`

test('the hypervisor has what the file says, but for what is xend alone', () => {
  const settings = read(ALL)
  const { readers, metrics_port, ...others } = settings
  expect([readers, metrics_port]).toEqual(['users', 9000])
  expect(others).toMatchObject({
    cpu: { level: 'max', hide: ['aes', 'sha'] },
    keep: false,
    plugins: ['a', { use: './b c.mjs', config: { deep: [1, null, { x: true }] }, optional: true }],
  })
  expect(hypervisorSettings(hypervisorArguments(settings, '/etc/x y'))).toEqual({ ...others, pluginFolder: '/etc/x y' })
})

test('without a file nothing needs to be said', () => {
  expect(hypervisorArguments(read(''), '/etc')).toEqual([])
  expect(hypervisorSettings([])).toMatchObject({ sched: 'credit', keep: true, log_kib: 1024, plugins: [] })
  expect(read('pcpus = None\n')).toEqual(read(''))
})

test('what a running hypervisor has otherwise is told key by key, and nothing else', () => {
  const args = (text: string): readonly string[] => hypervisorArguments(read(text), '/etc')
  expect(differences(args(ALL), args(ALL))).toEqual([])
  expect(differences(args('metrics_port = 1\nreaders = "x"'), args(''))).toEqual([])
  const how = "'xend stop --guests' and 'xend start' change that"
  expect(differences(args("group = 'kvm'\nsched = 'rr'"), args('keep = 0'))).toEqual([
    `keep: the hypervisor that runs has false, and not true; ${how}`,
    `sched: the hypervisor that runs has "credit", and not "rr"; ${how}`,
    `group: the hypervisor that runs has nothing, and not "kvm"; ${how}`,
  ])
})
