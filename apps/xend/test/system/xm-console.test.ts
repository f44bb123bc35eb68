/** xm console on a terminal and on a pipe, and what a signal makes of xm. */
import { spawn } from 'node:child_process'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { PtyXm } from './pty.ts'
import { System } from './system.ts'
import { runXm, runXmHere, XM } from './xm-process.ts'

const PATIENCE = { timeout: 30_000 }
let system: System
let config: string
let xm: PtyXm | undefined
beforeAll(async () => {
  system = await System.start()
  config = await system.helloConfig()
  await system.xm('new', '-q', config, 'name=kept')
  await system.xm('create', '-q', config)
})
afterAll(() => system.stop())
afterEach(() => xm?.kill())

async function attached(): Promise<PtyXm> {
  xm = new PtyXm(['console', 'hello'], system.env)
  await expect.poll(() => xm?.shown, PATIENCE).toContain('hello: ready')
  return xm
}

test('a guest is talked to and left, and runs on', async () => {
  const xm = await attached()
  xm.type('anybody there\r')
  await expect.poll(() => xm.shown, PATIENCE).toContain('you said: anybody there')
  xm.type('\x1d')
  expect(await xm.ended).toBe(0)
  const [before, after] = xm.settings()
  expect(after).toBe(before)
  expect((await system.xm('domid', 'hello')).status).toBe(0)
})

test('Ctrl-C is for the guest; SIGTERM ends xm, and the terminal is as it was', async () => {
  const xm = await attached()
  xm.type('\x03')
  xm.type('still here\r')
  await expect.poll(() => xm.shown, PATIENCE).toContain('still here')
  process.kill(xm.process.pid, 'SIGTERM')
  expect(await xm.ended).toBe(143)
  const [before, after] = xm.settings()
  expect(after).toBe(before)
})

test.each([
  [['Domain-0'], 1, 'Error: Domain-0 has no console\n'],
  [['nobody'], 3, "Error: Domain 'nobody' does not exist.\n"],
  [['-q', 'nobody'], 1, ''],
  [['kept'], 1, "Error: Domain 'kept' is not running; xm start kept starts it\n"],
  [['-n', '1', 'hello'], 1, 'Error: there is no console 1: a guest has one, number 0\n'],
])('xm console %j is refused', async (args, status, stderr) => {
  expect(await runXmHere(['console', ...args], system.places)).toEqual({ status, stdout: '', stderr })
})

test.each(['shutdown', 'reboot'])('xm %s: a domain that does not run', async (what) => {
  const { status, stderr } = await runXmHere([what, 'kept'], system.places)
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: "Error: Domain 'kept' is not running; xm start kept starts it\n",
  })
})

test('who is waiting is interrupted by Ctrl-C', async () => {
  const child = spawn(process.execPath, [...XM, 'shutdown', '-w', 'hello'], { env: system.env })
  let said = ''
  child.stderr.on('data', (bytes) => {
    said += bytes
  })
  await expect.poll(() => system.readStore('/local/domain/1/control/shutdown'), PATIENCE).toBe('poweroff')
  child.kill('SIGINT')
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(1)
  expect(said).toBe('Interrupted.\n')
})

test('what is piped in goes to the guest, whose end is the end of xm console', async () => {
  const { status, stdout } = await runXm(['console', 'hello'], { env: system.env, input: 'quit\r' })
  expect(status).toBe(0)
  expect(stdout).toContain('hello: ready')
})

test('a domain that has ended and is kept has no console any more', async () => {
  await system.xm('create', '-q', config, 'on_poweroff=preserve')
  await runXm(['console', 'hello'], { env: system.env, input: 'quit\r' })
  await expect.poll(async () => (await system.xm('domstate', 'hello')).stdout, PATIENCE).toBe('shutdown\n')
  expect(await system.xm('console', 'hello')).toEqual({
    status: 1,
    stdout: '',
    stderr: "Error: Domain 'hello' has ended, and its console with it; xend's folder of logs has what it wrote\n",
  })
})
