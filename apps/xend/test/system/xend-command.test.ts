import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const COMMAND = fileURLToPath(new URL('../../src/daemon/command.ts', import.meta.url))
let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'paravane-xend-'))
})
afterAll(() => rm(root, { recursive: true }))

function xend(...args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const env = { ...process.env, PARAVANE_RUN: join(root, 'run'), PARAVANE_STATE: join(root, 'state') }
  return new Promise((resolve) => {
    execFile(process.execPath, ['--conditions=@paravane/source', COMMAND, ...args], { env }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}
const done = { status: 0, stdout: '', stderr: '' }

test('xend is started, started anew, and stopped with all it keeps', async () => {
  const stopped = { status: 3, stdout: 'xend: stopped\nhypervisor: stopped\n', stderr: '' }
  expect(await xend('status')).toEqual(stopped)
  expect(await xend('start', '--pcpus', '1', '--no-keep')).toEqual(done)
  const running = { status: 0, stdout: 'xend: running\nhypervisor: running, 0 guests\n', stderr: '' }
  expect(await xend('status')).toEqual(running)
  expect(await xend('start')).toEqual(done)
  expect(await xend('restart')).toEqual(done)
  expect(await xend('status')).toEqual(running)
  expect(await xend('stop')).toEqual(done)
  expect((await xend('status')).stdout).toBe('xend: stopped\nhypervisor: running, 0 guests\n')
  expect(await xend('stop', '--guests')).toEqual(done)
  expect(await xend('status')).toEqual(stopped)
})

test.each([[], ['frob'], ['stop', '--frob']])('xend %j is wrong usage', async (...args) => {
  const { status, stderr } = await xend(...args)
  expect(status).toBe(2)
  expect(stderr).toMatch(/^usage: xend start\|stop\|restart\|status/)
})

test('a hypervisor that cannot be started is told in one line', async () => {
  const { status, stderr } = await xend('start', '--pcpus', '99')
  expect(status).toBe(1)
  expect(stderr).toBe('Error: the hypervisor could not be started: pcpus=99: give a whole number from 1 to 64\n')
})
