import { expect, test } from 'vitest'
import { judgeSettings, settingsOf } from '../../src/settings/read-settings.ts'
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
