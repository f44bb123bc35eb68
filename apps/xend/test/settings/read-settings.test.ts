import { expect, test } from 'vitest'
import { judgeSettings, settingsOf, xendArguments } from '../../src/settings/read-settings.ts'
import type { XendKeyName } from '../../src/settings/xend-keys.ts'

function refusal(text: string): string {
  try {
    judgeSettings(settingsOf(text, 'xend.cfg'))
  } catch (error) {
    return (error as Error).message
  }
  return 'taken'
}

const CPU = "a level, and features to hide with a dash before each: 'LEVEL[,-NAME...]'"
const GROUP = 'the name of a group of this host'

/** Of each key a value that is none of its, and what is said about it behind the key. */
const WRONG: Readonly<Record<XendKeyName, readonly [value: string, said: string]>> = {
  pcpus: ['0', 'a whole number from 1 to 64, not 0'],
  cpu: ["'max,aes'", `${CPU}, not "max,aes"`],
  keep: ["'perhaps'", '0, 1, no or yes, not "perhaps"'],
  sched: ["''", 'a scheduler\'s name, not ""'],
  plugins: ['7', "a list of packages or paths, each 'NAME' or {'use': 'NAME', 'config': {...}}, not 7"],
  networks: [
    "[{'name': 'a'}, {'name': 'a'}]",
    "a list of networks, each {'name': 'NAME', 'uplink': 'none', ...} and of a name of its own, not what it is set to",
  ],
  default_network: ["'a b'", 'the name of a network: letters, digits and _ . : -, not "a b"'],
  group: ['0', `${GROUP}, not 0`],
  readers: ["'a b'", `${GROUP}, not "a b"`],
  log_level: ["'loud'", `'trace', 'debug', 'info', 'warn', or 'error', not "loud"`],
  log_format: ["'xml'", `'text' or 'json', not "xml"`],
  log_kib: ['15', 'a whole number from 16 to 1048576, not 15'],
  console_kib: ['63', 'a whole number from 64 to 16384, not 63'],
  metrics_port: ['65536', 'a whole number from 0 to 65535, not 65536'],
}

test.each(Object.entries(WRONG))('%s = %s is refused', (key, [value, said]) => {
  expect(refusal(`# a comment\n${key} = ${value}`)).toBe(`xend.cfg:2: ${key} must be ${said}`)
})

test.each(["'a b'", '7', "['a']", "[{'uplink': 'none'}]", "[{'name': 'a', 'uplink': 1}]", "[{'name': ''}]"])(
  'networks = %s is refused',
  (value) => expect(refusal(`networks = ${value}`)).toMatch(/^xend\.cfg:1: networks must be a list of networks, each/),
)

test('networks of a file, and of an argument', () => {
  const networks = (text: string) => judgeSettings(settingsOf(text, 'f')).settings.networks
  expect(networks("networks = [{'name': 'lan', 'uplink': 'tap', 'device': 'br0'}, {'name': 'in'}]")).toEqual([
    { name: 'lan', uplink: 'tap', device: 'br0' },
    { name: 'in' },
  ])
  expect(networks("networks = 'lan:tap,in'")).toEqual([
    { name: 'lan', uplink: 'tap' },
    { name: 'in', uplink: 'none' },
  ])
})

const SCRIPTS = /^xend\.cfg:2: network-script: no script sets up networks; name them in networks, as networks = \[\{/
test.each(["network-script = 'network-bridge'", '(network-script network-nat)', "network_script = 'network-route'"])(
  'the classic %s is refused with what takes its place',
  (line) => expect(refusal(`# networks\n${line}\n`)).toMatch(SCRIPTS),
)

test('the classic script of network cards is refused, in the file and as an argument', () => {
  const why =
    'vif-script: no script is run for a network card; its bridge= names the network, whose uplink is in networks'
  expect(refusal('(vif-script vif-bridge)')).toBe(`xend.cfg:1: ${why}`)
  expect(() => xendArguments(['vif-script=vif-nat'])).toThrow(`argument: ${why}`)
})

test('none of them asks for what there would be without it', () => {
  const without = judgeSettings([])
  expect(
    judgeSettings(
      settingsOf(
        Object.keys(WRONG)
          .map((key) => `${key} = None\n`)
          .join(''),
        'f',
      ),
    ),
  ).toEqual(without)
})
