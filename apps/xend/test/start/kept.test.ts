/** What a stranger's `npm start` does: a guest that xend keeps, and stays when its console is left. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CliOptions, type CliResult, runCli } from './cli.ts'

const program = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url))
const TIMES = /(booted in|ran|CPU time) \d+\.\d\d s/g
let root: string
let env: NodeJS.ProcessEnv
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'paravane-kept-'))
  env = { ...process.env, PARAVANE_RUN: join(root, 'run'), PARAVANE_STATE: join(root, 'state') }
})
afterAll(async () => {
  run('daemon/command.ts', 'stop', '--guests')
  await rm(root, { recursive: true })
})

function run(path: string, ...args: readonly string[]): string {
  return execFileSync(process.execPath, ['--conditions=@paravane/source', program(path), ...args], { env }).toString()
}

const start = (args: readonly string[], options: CliOptions = {}): Promise<CliResult> =>
  runCli(['--guest', 'hello', ...args], { env, kept: true, ...options })

const lastLine = ({ stderr }: CliResult): string =>
  stderr.trimEnd().split('\n').at(-1)?.replaceAll(TIMES, '$1 N s') ?? ''

test('the first start brings xend up; a guest that is left runs on, and is one of xm list', async () => {
  const left = await start([], { signalAt: ['hello: ready', 'SIGTERM'] })
  expect(left.status).toBe(143)
  expect(left.stderr).toMatch(/^paravane: xend runs now, and stays: npm run xend -- stop --guests ends it$/m)
  expect(lastLine(left)).toBe(
    'paravane: hello runs on (npm run xm -- console hello shows it, npm run xend -- stop --guests ends all): booted in N s, ran N s',
  )
  expect(run('xm/main.ts', 'list')).toMatch(/^hello +1 +8 +1 /m)
})

test('a second of the same name is refused with both ways out', async () => {
  expect(await start([])).toEqual({
    status: 1,
    stdout: '',
    stderr:
      'paravane: there is a guest hello already: npm run xm -- console hello shows it; npm start -- name=OTHER makes another\n',
  })
})

test.each([
  ['quit', 0, 'powered off'],
  ['crash', 3, "crashed \\(the guest's kernel reported it\\)"],
])('a guest to which %s is said ends this process with status %i', async (word, status, how) => {
  const ended = await start(['name=second', 'on_crash=destroy'], { input: `${word}\n` })
  expect(ended.status).toBe(status)
  expect(ended.stdout).toMatch(/hello: ready/)
  expect(lastLine(ended)).toMatch(new RegExp(`^paravane: second ${how}: booted in N s, ran N s, guest CPU time N s$`))
})

test('what xend or the hypervisor refuses is told in one line', async () => {
  const { status, stdout, stderr } = await start(['memory=1'])
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/^paravane: there is a guest hello already/)
  const small = await start(['memory=1', 'name=small'])
  expect([small.status, small.stdout]).toEqual([1, ''])
  expect(lastLine(small)).toMatch(/^paravane: .*memory/)
})
