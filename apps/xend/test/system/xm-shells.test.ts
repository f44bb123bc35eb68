/** xm shell, and the completion that real shells do with xm's scripts. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { PtyXm } from './pty.ts'
import { System } from './system.ts'
import { runXm, XM } from './xm-process.ts'

const PATIENCE = { timeout: 30_000 }
let system: System
/** With a program xm in it. */
let bin: string
beforeAll(async () => {
  system = await System.start()
  await system.xm('create', await system.helloConfig(), '-p')
  bin = await mkdtemp(join(tmpdir(), 'paravane-bin-'))
  const words = [process.execPath, ...XM].map((word) => `'${word}'`).join(' ')
  await writeFile(join(bin, 'xm'), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 })
  await writeFile(join(bin, 'a-config.cfg'), '')
})
afterAll(async () => {
  await system.stop()
  await rm(bin, { recursive: true })
})

const env = (): NodeJS.ProcessEnv => ({ ...system.env, PATH: `${bin}${delimiter}${process.env.PATH}` })

function run(program: string, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { env: env(), cwd: bin }, (error, stdout, stderr) =>
      error || stderr ? reject(new Error(stderr || String(error))) : resolve(stdout.trim()),
    )
  })
}

/** A shell's program is on this machine. */
const isHere = (program: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)))

/** What bash would offer for a line that is typed so far. */
const inBash = (line: string): Promise<string> =>
  run(
    'bash',
    '--norc',
    '-c',
    `source <(xm completion bash); compopt() { :; }; COMP_LINE=$1; read -ra COMP_WORDS <<< "$1"
     [[ $1 == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _xm; printf '%s\\n' "\${COMPREPLY[@]}"`,
    'bash',
    line,
  )
/** zsh completes on a terminal only: zpty is one of its own. */
const inZsh = (line: string): Promise<string> =>
  run(
    'zsh',
    '-f',
    '-c',
    `zmodload zsh/zpty; zpty z zsh -f -i
     zpty -w z 'PROMPT=Z""P\\>; autoload -Uz compinit; compinit -u -D; source <(xm completion zsh); zstyle ":completion:*" list-separator ""'
     zpty -r z out '*ZP>*'; zpty -n -w z "$1"$'\\t'$'\\C-e#END'; zpty -r z out '*#END*'; print -r -- "$out"`,
    'zsh',
    line,
  )
const inFish = (line: string): Promise<string> =>
  run('fish', '--no-config', '-c', `xm completion fish | source; complete -C "$argv[1]"`, line)

test.each([
  ['xm upt', 'uptime'],
  ['xm pause he', 'hello'],
  ['xm dmesg --cl', '--clear'],
  ['xm create a-con', 'a-config.cfg'],
])('bash completes %j to %s', async (line, word) => {
  expect(await inBash(line)).toBe(word)
})

test('bash offers all that there is', async () => {
  expect(await inBash('xm dom')).toBe('domid\ndomname\ndomstate')
  expect(await inBash('xm pause ')).toBe('Domain-0\nhello')
})

if (isHere('zsh')) {
  test.each([
    ['xm upt', 'xm uptime '],
    ['xm pause he', 'xm pause hello '],
    ['xm create a-con', 'xm create a-config.cfg '],
  ])('zsh completes %j to %s', async (line, whole) => {
    expect(stripVTControlCharacters(await inZsh(line)).replaceAll('\b', '')).toContain(whole)
  })
}

if (isHere('fish')) {
  test.each([
    ['xm upt', 'uptime\tPrint uptime for all/some domains.'],
    ['xm pause he', 'hello'],
    ['xm create a-con', 'a-config.cfg'],
  ])('fish completes %j to %s', async (line, whole) => {
    expect(await inFish(line)).toBe(whole)
  })
}

test('a shell that has no script is told which have', async () => {
  const { status, stderr } = await system.xm('completion', 'csh')
  expect(status).toBe(1)
  expect(stderr).toMatch(/^Error: there is no completion for csh; give one of bash, zsh, fish\nUsage: xm completion /)
})

test('without xend the words that need none are completed', async () => {
  const away = { ...system.env, PARAVANE_RUN: bin }
  expect(await runXm(['completion', 'words', '--', 'pause', ''], { env: away })).toEqual({
    status: 0,
    stdout: '',
    stderr: '',
  })
})

test('xm shell takes commands from a file', async () => {
  const input = "# two of them\ndomid hello\n\n  domname '1'\n"
  expect(await runXm(['shell'], { env: env(), input })).toEqual({ status: 0, stdout: '1\nhello\n', stderr: '' })
})

test.each([
  ['domid nobody\ndomid hello', 0, '1\n', "Error: Domain 'nobody' does not exist.\n"],
  ['domid nobody', 1, '', "Error: Domain 'nobody' does not exist.\n"],
  ['domid hello\nquit\ndomid nobody', 0, '1\n', ''],
  ['frob', 1, '', "Error: Subcommand frob not found!\n'xm help' lists the subcommands.\n"],
  ["domid 'hello", 1, '', "Error: domid 'hello: a quote is not closed, or nothing follows a backslash\n"],
])('xm shell goes on after what fails: %j', async (input, status, stdout, stderr) => {
  expect(await runXm(['shell'], { env: env(), input })).toEqual({ status, stdout, stderr })
})

test('on a terminal it prompts, completes, calls lines back and gives the terminal to its commands', async () => {
  const xm = new PtyXm(['shell'], env())
  onTestFinished(() => xm.kill())
  const after = (from: number): string => stripVTControlCharacters(xm.shown.slice(from)).replaceAll('\r', '')
  await expect.poll(() => xm.shown, PATIENCE).toContain('xm> ')
  let from = xm.shown.length
  xm.type('domi')
  xm.type('\t')
  await expect.poll(() => after(from), PATIENCE).toContain('domid')
  xm.type('he\t')
  await expect.poll(() => after(from), PATIENCE).toContain('hello')
  xm.type('\r')
  await expect.poll(() => after(from), PATIENCE).toMatch(/\n1\n.*xm> /)
  from = xm.shown.length
  xm.type('\x1b[A\r')
  await expect.poll(() => after(from), PATIENCE).toMatch(/domid hello ?\n1\n.*xm> /)
  from = xm.shown.length
  xm.type('frob\x03')
  await expect.poll(() => after(from), PATIENCE).toMatch(/\^C\n.*xm> /)
  from = xm.shown.length
  xm.type('domid hello\rdomname 1\r')
  await expect.poll(() => after(from), PATIENCE).toMatch(/\n1\n(.*\n)*hello\n.*xm> /)
  xm.type('top -i 1\r')
  await expect.poll(() => xm.shown, PATIENCE).toContain('\x1b[?1049l')
  xm.type('unpause hello\rconsole hello\r')
  await expect.poll(() => xm.shown, PATIENCE).toContain('hello: ready')
  from = xm.shown.length
  xm.type('a line\r')
  await expect.poll(() => after(from), PATIENCE).toContain('you said: a line')
  xm.type('\x1d')
  await expect.poll(() => after(from), PATIENCE).toContain('xm> ')
  xm.type('domname 1\r')
  await expect.poll(() => after(from), PATIENCE).toMatch(/\nhello\n.*xm> $/)
  xm.type('\x04')
  expect(await xm.ended).toBe(0)
  const [before, now] = xm.settings()
  expect(now).toBe(before)
})
