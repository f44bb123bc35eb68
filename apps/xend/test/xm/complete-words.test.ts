import { expect, test } from 'vitest'
import { COMMANDS } from '../../src/xm/commands.ts'
import { completeWords } from '../../src/xm/complete-words.ts'

let asked = 0
const domains = async (): Promise<readonly string[]> => {
  asked++
  return ['Domain-0', 'debian', 'hello']
}
const complete = async (...words: readonly string[]): Promise<unknown> => {
  const found = await completeWords(COMMANDS, words, domains)
  return found === 'file' ? found : found.map(({ text }) => text)
}

test.each([
  [['upt'], ['uptime']],
  [['vcpu-'], ['vcpu-list', 'vcpu-pin', 'vcpu-set']],
  [['frob'], []],
  [['frob', ''], []],
  [['pause', 'he'], ['hello']],
  [
    ['pause', ''],
    ['Domain-0', 'debian', 'hello'],
  ],
  [['pause', 'hello', ''], []],
  [['network-configure', 'hello', '0', 'rate=5Mb/s', 'v'], ['vlan=']],
  [['uptime', 'hello', 'd'], ['debian']],
  [['rename', 'hello', ''], []],
  [
    ['trigger', 'hello', ''],
    ['nmi', 'reset', 'init', 's3resume', 'power'],
  ],
  [['vcpu-pin', 'hello', 'a'], ['all']],
  [['help', 'unp'], ['unpause']],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [
    ['shutdown', '--'],
    ['--all', '--wait', '--reboot', '--halt', '--json'],
  ],
  [
    ['dmesg', '-'],
    ['--clear', '-c', '--json'],
  ],
  [['sched-credit', '-d', 'h'], ['hello']],
  [
    ['sched-credit', '-w', '5', '-d', ''],
    ['Domain-0', 'debian', 'hello'],
  ],
  [['sched-credit', '-w', ''], []],
  [['sched-credit', '--domain', 'h'], ['hello']],
  [['sched-credit', '--domain=h'], ['--domain=hello']],
  [['sched-credit', '--domain', '=', 'h'], ['hello']],
  [
    ['sched-credit', '--domain', '='],
    ['Domain-0', 'debian', 'hello'],
  ],
  [['sched-credit', '-w5', ''], []],
  [['uptime', '-s', 'h'], ['hello']],
  [['uptime', '--', '-', 'h'], ['hello']],
])('after xm %j comes one of %j', async (words, texts) => {
  expect(await complete(...words)).toEqual(texts)
})

test('files are left to the shell', async () => {
  expect(await complete('create', 'x')).toBe('file')
  expect(await complete('create', '-f', '')).toBe('file')
})

test('xend is asked only where a domain may stand', async () => {
  asked = 0
  await complete('li')
  await complete('dmesg', '')
  expect(asked).toBe(0)
  await complete('pause', '')
  expect(asked).toBe(1)
})
