import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DomainRow } from '../../src/hypervisor/control-rows.ts'
import { System } from './system.ts'

const DAEMON = fileURLToPath(new URL('../../src/daemon/main.ts', import.meta.url))

let system: System
let config: string
beforeAll(async () => {
  system = await System.start()
  config = await system.helloConfig()
})
afterAll(() => system.stop())

test('a guest runs on when xend is killed, and is found again', async () => {
  await system.xm('create', config, 'name=stays')
  const [before] = await system.domains()
  await system.killXend()
  const gone = await system.xm('list')
  expect(gone.status).toBe(1)
  expect(gone.stderr).toMatch(/^Error: Unable to connect to xend: Connection refused\. Is xend running\?\n/)
  expect(await system.domains()).toMatchObject([{ domid: before?.domid, uuid: before?.uuid, state: 'blocked' }])
  await system.startXend()
  expect((await system.xm('domid', 'stays')).stdout).toBe(`${before?.domid}\n`)
  expect((await system.xm('destroy', 'stays')).status).toBe(0)
})

test('an end that nobody saw is dealt with when xend is there again', async () => {
  await system.xm('create', config, 'name=quits')
  const [{ domid }] = (await system.domains()) as [DomainRow]
  await system.killXend()
  await system.type(domid, 'quit\r')
  await expect.poll(async () => (await system.domains())[0]?.end?.reason, { timeout: 60_000 }).toBe('poweroff')
  await system.startXend()
  await expect.poll(() => system.domains(), { timeout: 60_000 }).toEqual([])
  expect(system.said).toContain(`domain ended domain=quits domid=${domid} reason=poweroff action=destroy`)
})

test('a guest that crashes right after its start is not started again and again', async () => {
  await system.xm('create', config, 'name=crashes')
  const [{ domid }] = (await system.domains()) as [DomainRow]
  await system.type(domid, 'crash\r')
  await expect.poll(() => system.domains(), { timeout: 60_000 }).toEqual([])
  expect(system.said).toContain('VM crashes restarting too fast')
})

test('what had begun when xend was killed is there once afterwards, or not at all', async () => {
  for (let n = 0; n < 5; n++) {
    const made = system.xm('create', config, `name=begun${n}`)
    await new Promise((resolve) => setTimeout(resolve, 300 + 120 * n))
    await system.killXend()
    const { status } = await made
    await system.startXend()
    const named = (await system.domains()).filter(({ name }) => name === `begun${n}`)
    expect(named.length).toBeLessThanOrEqual(1)
    if (status === 0) expect(named).toHaveLength(1)
    // Not left behind half made.
    for (const { state } of named) expect(state).not.toBe('paused')
  }
})

test('a second xend ends, and says where the first one is known by', async () => {
  const args = ['--conditions=@paravane/source', DAEMON]
  const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile(process.execPath, args, { env: system.env }, (error, _, stderr) => resolve({ code: error?.code, stderr }))
  })
  const lock = join(system.places.run, 'xend.lock')
  expect({ code, stderr }).toEqual({ code: 1, stderr: `Error: xend runs already: ${lock} is held; end it first\n` })
  expect((await system.xm('list')).status).toBe(0)
})
