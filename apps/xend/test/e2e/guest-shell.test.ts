import { GuestShell } from '@paravane/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BOOT_LIMIT_MS, DebianMachine } from './debian-machine.ts'

/** Debian's busybox at its console: a line editor that echoes, asks where the cursor is and wraps lines; a terminal that makes CRLF. */
let machine: DebianMachine
let shell: GuestShell

beforeAll(async () => {
  machine = await DebianMachine.start(1)
  const guest = await machine.boot('shell')
  shell = new GuestShell(guest.domain)
  await guest.untilShell()
}, BOOT_LIMIT_MS)
afterAll(() => machine.hypervisor.stop())

test.each<[string, string, number]>([
  ['uname -s; uname -m', 'Linux\nx86_64\n', 0],
  ['echo out; echo err >&2; exit 3', 'out\nerr\n', 3],
  ['cat; printf "%s" "no newline"', 'no newline', 0],
  ['printf "%s\\n" "ünï → 𝛑"', 'ünï → 𝛑\n', 0],
  ['for i in 1 2\ndo\n\techo "$i"\ndone', '1\n2\n', 0],
  ['seq 20000 | tail -n 1', '20000\n', 0],
  ["kill -9 $(sh -c 'echo $PPID')", 'Killed\n', 137],
  ['nothing-like-this', 'sh: eval: nothing-like-this: not found\n', 127],
])('runs %j', async (command, output, status) => {
  expect(await shell.run(command)).toEqual({ output, status })
})

test('runs a command that is longer than any line', async () => {
  const words = Array.from({ length: 1500 }, (_, n) => `w${n}'"`)
  const { output } = await shell.run(`cat <<'END'\n${words.join('\n')}\nEND`)
  expect(output.split('\n')).toEqual([...words, ''])
})

test('goes on after a command that was interrupted, or wrote too much', async () => {
  // At the latest of them it runs; at the first its line is still being read, and a Ctrl-C is a character like any other.
  for (const ms of [0, 1, 5, 10, 20, 50, 500]) {
    const aborted = shell.run('sleep 1000', { signal: AbortSignal.timeout(ms) })
    await expect(aborted).rejects.toMatchObject({ name: 'TimeoutError' })
    expect([ms, await shell.run('echo one', { signal: AbortSignal.timeout(60_000) })]).toEqual([
      ms,
      { output: 'one\n', status: 0 },
    ])
  }
  await expect(shell.run('yes', { maxOutput: 10_000 })).rejects.toMatchObject({ code: 'OUTPUT_TOO_LONG' })
  expect((await shell.run('echo two')).output).toBe('two\n')
})

test('says that the guest powered off', async () => {
  await expect(shell.run('poweroff -f')).rejects.toThrow(
    'domain shell ended (poweroff) before it had run "poweroff -f"',
  )
  expect(machine.warnings).toEqual([])
})
