import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { INIT_SCRIPT, runArgument } from '../../src/guest-image/init-script.ts'

test('the script is one a POSIX shell can parse', () => {
  expect(spawnSync('sh', ['-n'], { input: INIT_SCRIPT, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
})

test('the argument is one word that base64url needs no quoting for', () => {
  expect(runArgument("echo '???>>>~~~ ÿÿÿ≥🙂'")).toMatch(/^paravane\.run=[A-Za-z0-9]*[-_][A-Za-z0-9_-]*$/)
})

/** The part of /init that reads the command line and runs what it names, with the parts that need a guest left out. */
const RUN_PART = INIT_SCRIPT.slice(INIT_SCRIPT.indexOf('run=\n'), INIT_SCRIPT.indexOf('poweroff'))

test.each([
  ['echo hello', 'hello\nparavane: run ended with status 0\n'],
  ['printf "%s\\n" "a  b" \'$HOME\' ; exit 7', 'a  b\n$HOME\nparavane: run ended with status 7\n'],
  ["echo '???>>>~~~ ÿÿÿ≥🙂'", '???>>>~~~ ÿÿÿ≥🙂\nparavane: run ended with status 0\n'],
])('a guest runs %s', (command, output) => {
  const input = `setsid() { "$@"; }\nwords='console=hvc0 ${runArgument(command)} quiet'\n${RUN_PART}`
  expect(spawnSync('sh', [], { input, encoding: 'utf8' }).stdout).toBe(output)
})
