import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GuestShell } from '../../src/console/guest-shell.ts'
import type { DomainEnd } from '../../src/host/hypervisor-api.ts'
import { collectGarbage } from '../../src/host/thread-memory.ts'
import { HostShell } from './host-shell.ts'

const SHELLS: readonly (readonly string[])[] = [['sh'], ['bash'], ['dash'], ['busybox', 'sh']].filter(
  ([file = '', ...args]) => spawnSync(file, [...args, '-c', ':']).status === 0,
)

/** A command, its output, its status. */
const COMMANDS: readonly (readonly [string, string, number])[] = [
  ['echo hello', 'hello\n', 0],
  ['printf "no newline"', 'no newline', 0],
  ['true', '', 0],
  ['false', '', 1],
  ['exit 7', '', 7],
  ['sh -c "kill -9 \\$\\$"', expect.any(String) as unknown as string, 137],
  ['printf "%s:" "$HOME!!" \'single\' `echo back` $((1+2)) "a\\\\b" %d "~"', '!!:single:back:3:a\\b:%d:~:', 0],
  ['echo out; echo err >&2', 'out\nerr\n', 0],
  ['cat; echo input is empty', 'input is empty\n', 0],
  ['for i in 1 2 3\ndo echo $i\ndone\n', '1\n2\n3\n', 0],
  ['\techo tab; # and a comment', 'tab\n', 0],
  ["printf '%s' 'ünï → 𝛑'", 'ünï → 𝛑', 0],
  ["printf '\\303(\\377'", '\ufffd(\ufffd', 0],
  ["cat <<'END'\n$1 `x` \\\nEND\n", '$1 `x` \\\n', 0],
]

describe.each(SHELLS.map((program) => ({ program })))('a command in $program', ({ program }) => {
  let guest: HostShell
  let shell: GuestShell
  afterEach(() => guest.stop())

  test.each([4096, 7, 1])('gives its output and status, whose pieces have %i bytes', async (piece) => {
    guest = new HostShell({ program, piece })
    shell = new GuestShell(guest)
    for (const [command, output, status] of COMMANDS) {
      expect([command, await shell.run(command)]).toEqual([command, { output, status }])
    }
  })

  test('may be longer than any line', async () => {
    guest = new HostShell({ program })
    shell = new GuestShell(guest)
    const text = `it's ${'a long "text" %\\ ü\n'.repeat(400)}.`
    const { output } = await shell.run(`cat <<'END'\n${text}\nEND`)
    expect(output).toBe(`${text}\n`)
    for (const line of guest.typed.split('\n')) expect(line.length).toBeLessThan(1000)
  })
})

describe('a shell', () => {
  let guest: HostShell
  let shell: GuestShell
  beforeEach(() => {
    guest = new HostShell()
    shell = new GuestShell(guest)
  })
  afterEach(() => guest.stop())

  test('is told apart from an output that shows what was typed', async () => {
    await shell.run('echo first')
    const { typed } = guest
    expect((await shell.run(`cat <<'END'\n${typed}\nEND`)).output).toBe(`${typed}\n`)
  })

  test('starts each command anew', async () => {
    await shell.run('cd /; x=1; set -e; alias ls=false')
    expect(await shell.run('pwd; echo "x$x"')).toEqual({ output: `${process.cwd()}\nx\n`, status: 0 })
  })

  test('runs one command at a time', async () => {
    const first = shell.run('sleep 0.2; echo one')
    await expect(shell.run('echo two')).rejects.toMatchObject({
      code: 'SHELL_BUSY',
      message: 'a command runs in host-shell already: wait for its end',
    })
    expect((await first).output).toBe('one\n')
    expect((await shell.run('echo two')).output).toBe('two\n')
  })

  test('lets go of a command whose output never ends, and sends it a Ctrl-C', async () => {
    await expect(shell.run('yes', { maxOutput: 5000 })).rejects.toMatchObject({
      code: 'OUTPUT_TOO_LONG',
      message: expect.stringContaining('"yes" wrote more than 5000 characters in host-shell'),
    })
    expect(guest.typed.endsWith('\n\x03')).toBe(true)
    expect((await shell.run('echo next')).output).toBe('next\n')
  })

  test('allows just as much output as it says', async () => {
    const run = (maxOutput: number): Promise<{ output: string }> => shell.run("printf '%s' 12345", { maxOutput })
    expect((await run(5)).output).toBe('12345')
    await expect(run(4)).rejects.toMatchObject({ code: 'OUTPUT_TOO_LONG' })
  })

  test('lets go of a command when the signal is aborted', async () => {
    const reason = new Error('enough')
    const abort = new AbortController()
    const running = shell.run('echo begun; sleep 100', { signal: abort.signal })
    await shell.waitFor(/^begun|:begun/)
    abort.abort(reason)
    await expect(running).rejects.toBe(reason)
    expect(guest.typed.endsWith('\n\x03')).toBe(true)
    expect((await shell.run('echo next')).output).toBe('next\n')
    await expect(shell.run('echo never typed', { signal: abort.signal })).rejects.toBe(reason)
    expect(guest.typed).not.toContain('never')
  })

  test('says when the guest ended instead', async () => {
    const running = shell.run('kill -9 $$')
    await expect(running).rejects.toMatchObject({
      code: 'DOMAIN_ENDED',
      message: 'domain host-shell ended (poweroff) before it had run "kill -9 $$"',
    })
    await expect(shell.run('echo')).rejects.toMatchObject({ code: 'DOMAIN_ENDED' })
    await expect(shell.waitFor('x')).rejects.toMatchObject({ code: 'DOMAIN_ENDED' })
  })

  test('refuses what no shell takes', async () => {
    await expect(shell.run('echo \0')).rejects.toMatchObject({
      code: 'COMMAND_REFUSED',
      message: 'a command has a NUL character: leave it out, no shell takes one',
    })
    expect(guest.typed).toBe('')
  })

  test('that is closed hears and says nothing more', async () => {
    const waiting = shell.waitFor('x')
    shell.close()
    const closed = (before: string) => ({
      code: 'SHELL_CLOSED',
      message: `the shell of host-shell was closed before it ${before}`,
    })
    await expect(waiting).rejects.toMatchObject(closed('showed x'))
    await expect(shell.run('echo')).rejects.toMatchObject(closed('had run "echo"'))
  })
})

/** A console whose guest is the test. */
class Scripted {
  readonly name = 'scripted'
  readonly end = Promise.withResolvers<DomainEnd>()
  readonly ended = this.end.promise
  readonly #listeners = new Set<(bytes: Uint8Array) => void>()
  readonly console = {
    write: (): void => {},
    onOutput: (listener: (bytes: Uint8Array) => void): (() => void) => {
      this.#listeners.add(listener)
      return () => this.#listeners.delete(listener)
    },
  }
  get heard(): boolean {
    return this.#listeners.size > 0
  }
  print(text: string | Uint8Array): void {
    for (const listener of this.#listeners) listener(Buffer.from(text as string))
  }
}

describe('who waits for a line', () => {
  let guest: Scripted
  let shell: GuestShell
  beforeEach(() => {
    guest = new Scripted()
    shell = new GuestShell(guest)
  })

  test('is answered whether it came before, comes later or in pieces', async () => {
    guest.print('booting\r\nshell ready after 5')
    expect((await shell.waitFor('shell ready')).index).toBe(0)
    const number = shell.waitFor(/after (\d+)\.(\d+) s$/)
    for (const piece of ['.', '2', '5', ' ', 's\r', '\n']) guest.print(piece)
    expect([...(await number)].slice(1)).toEqual(['5', '25'])
  })

  test('sees what comes behind the last thing waited for, of the same line, too', async () => {
    guest.print('login: password: login: ')
    for (const what of ['login:', 'password:', 'login:']) await shell.waitFor(what)
    const again = shell.waitFor(/login:/gy)
    guest.print('\r\nlogin: ')
    expect((await again)[0]).toBe('login:')
  })

  test('sees every line, however many come at once, and each as the guest ended it', async () => {
    const waiting = shell.waitFor(/^c([\s\S]*)$/)
    guest.print('a\r\nb\nc \r \r\nd')
    expect((await waiting)[1]).toBe(' \r ')
    expect((await shell.waitFor(/^d$/)).index).toBe(0)
  })

  test('takes a text for what it is', async () => {
    guest.print('aXb')
    const waiting = shell.waitFor('a.b*(c')
    guest.print('\na.b*(c')
    expect((await waiting)[0]).toBe('a.b*(c')
  })

  test('sees characters whole that come in halves', async () => {
    const waiting = shell.waitFor('→ö')
    for (const byte of Buffer.from('\xff→ö')) guest.print(Uint8Array.of(byte))
    expect((await waiting)[0]).toBe('→ö')
  })

  test.each([
    ['lines', `${'y'.repeat(99)}\n`, 40],
    ['empty lines', '\n', 8],
    ['no lines', 'x', 40],
  ])('keeps the last of what a guest writes without end, in %s', async (_, piece, millions) => {
    const text = Buffer.from(piece.repeat(1_000_000 / piece.length))
    const heap = (): number => {
      collectGarbage()
      return process.memoryUsage().heapUsed
    }
    guest.print('first\n')
    guest.print(text)
    const before = heap()
    for (let n = 0; n < millions; n++) guest.print(text)
    expect(heap() - before).toBeLessThan(25_000_000)
    guest.print('\nlast\n')
    const first = shell.waitFor('first', { signal: AbortSignal.timeout(5) })
    await expect(first).rejects.toMatchObject({ name: 'TimeoutError' })
    expect((await shell.waitFor(/^last$/)).index).toBe(0)
  })

  test('may lose patience, and another may wait', async () => {
    const one = shell.waitFor('x', { signal: AbortSignal.timeout(5) })
    const other = shell.waitFor('y')
    await expect(one).rejects.toMatchObject({ name: 'TimeoutError' })
    guest.print('y')
    expect((await other)[0]).toBe('y')
  })

  test('hears the last words of a guest, and then that it ended', async () => {
    const panic = shell.waitFor('panic')
    const more = shell.waitFor('more')
    guest.print('Kernel panic')
    guest.end.resolve({ reason: 'crash', detail: 'it walked off', cpuTimeNs: 0n })
    expect((await panic).index).toBe(7)
    await expect(more).rejects.toThrow('domain scripted ended (crash: it walked off) before it showed more')
    expect(guest.heard).toBe(false)
  })
})
