/** What xm says of a xend that was started as users start it, with a log of its own. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Finding } from '../../src/xm/doctor/finding.ts'
import { runXm } from './xm-process.ts'

const COMMAND = fileURLToPath(new URL('../../src/daemon/command.ts', import.meta.url))
let root: string
let env: NodeJS.ProcessEnv
const xend = (...args: readonly string[]): Promise<unknown> =>
  promisify(execFile)(process.execPath, ['--conditions=@paravane/source', COMMAND, ...args], { env })

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'paravane-log-'))
  const config = join(root, 'xend.cfg')
  env = {
    ...process.env,
    PARAVANE_RUN: join(root, 'run'),
    PARAVANE_STATE: join(root, 'state'),
    PARAVANE_CONFIG: config,
  }
  await xend('start', '--pcpus', '1', '--no-keep')
})
afterAll(async () => {
  await xend('stop', '--guests')
  await rm(root, { recursive: true })
})

test("xm log shows xend's log, from the beginning of a line", async () => {
  const { status, stdout } = await runXm(['log'], { env })
  expect(status).toBe(0)
  expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT\S+Z INFO {2}xend listens at=.*xend\.sock/m)
  expect(JSON.parse((await runXm(['log', '--json'], { env })).stdout)).toContain('xend listens at=')
})

test('xm doctor finds that all is there and answers', async () => {
  const { status, stdout } = await runXm(['doctor', '--json'], { env })
  expect(status).toBe(0)
  const findings = JSON.parse(stdout) as Finding[]
  const answering = findings.filter(({ name }) =>
    ['xend', 'hypervisor', 'xenstored', 'versions', 'database'].includes(name),
  )
  expect(answering.map(({ level }) => level)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok'])
  const text = await runXm(['doctor'], { env })
  expect(text.stdout).toContain(`ok   database       ${root}/state/xend.db\n`)
})
