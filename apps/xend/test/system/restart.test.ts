import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MINIMUM_RESTART_TIME } from '../../src/daemon/lifecycle.ts'
import type { DomainRow } from '../../src/hypervisor/control-rows.ts'
import { runCli } from '../start/cli.ts'
import { System } from './system.ts'

/** Of `npm start`. */
const HELLO = ['--guest', 'hello']
const PATIENCE = { timeout: 60_000 }
let system: System
beforeAll(async () => {
  system = await System.start()
})
afterAll(() => system.stop())

/** The long way, as nothing of it may be taken for granted: a minute of a guest's life. */
test('a guest that reboots is started again, and another whose xend was killed meanwhile; a preserved one stays, and one makes way', async () => {
  const config = await system.helloConfig()
  await system.xm('create', config, 'name=reboots')
  await system.xm('create', config, 'name=unseen')
  await system.xm('create', config, 'name=kept', 'on_poweroff=preserve')
  await system.xm('create', config, 'name=renamed', 'on_crash=rename-restart')
  const [first, second, third, renamed] = (await system.domains()) as [DomainRow, DomainRow, DomainRow, DomainRow]
  let boots = 0
  const followed = runCli([...HELLO, 'name=followed'], {
    env: system.env,
    kept: true,
    shown: (text) => {
      boots = text.match(/hello: ready/g)?.length ?? 0
    },
  })
  await expect.poll(async () => (await system.domains()).length, PATIENCE).toBe(5)
  const fourth = (await system.domains()).at(-1) as DomainRow
  await system.type(third.domid, 'quit\r')
  await sleep((MINIMUM_RESTART_TIME + 1) * 1000)

  const rebooted = system.xm('reboot', '-w', 'reboots')
  await expect.poll(() => system.readStore(`/local/domain/${first.domid}/control/shutdown`), PATIENCE).toBe('reboot')
  await system.type(first.domid, 'reboot\r')
  const again = (row: DomainRow) => async () =>
    (await system.domains())
      .filter(({ uuid }) => uuid === row.uuid)
      .map(({ domid, state }) => domid !== row.domid && state)
  await expect.poll(again(first), PATIENCE).toEqual(['blocked'])
  expect(await rebooted).toEqual({ status: 0, stdout: 'Domain reboots rebooted\n', stderr: '' })

  await system.type(fourth.domid, 'reboot\r')
  await expect.poll(() => boots, PATIENCE).toBe(2)
  const followedTo = (await system.domains()).find(({ uuid }) => uuid === fourth.uuid) as DomainRow
  await system.type(followedTo.domid, 'quit\r')
  const { status: ended, stderr: said } = await followed
  expect(ended).toBe(0)
  expect(said).toMatch(/followed \(domain 5\) ended by reboot, and xend started it again as domain \d+$/m)
  expect(said).toMatch(/followed powered off: booted in .*\n$/)

  await system.type(renamed.domid, 'crash\r')
  await expect.poll(again(renamed), PATIENCE).toEqual(['blocked'])
  const old = (await system.domains()).find(({ domid }) => domid === renamed.domid)
  expect(old?.name).toBe(`Domain-${old?.uuid}`)
  expect((await system.xm('domstate', old?.name ?? '')).stdout).toBe('crashed\n')
  expect(await system.readStore(`/local/domain/${renamed.domid}/vm`)).toBe(`/vm/${old?.uuid}`)
  expect(await system.readStore(`/vm/${renamed.uuid}/name`)).toBe('renamed')
  await system.xm('destroy', String(renamed.domid))

  await system.killXend()
  await system.type(second.domid, 'crash\r')
  await expect
    .poll(async () => (await system.domains()).find(({ domid }) => domid === second.domid)?.end, PATIENCE)
    .toBeDefined()
  await system.startXend()
  await expect.poll(again(second), PATIENCE).toEqual(['blocked'])

  const { stdout } = await system.xm('list', 'kept')
  expect(stdout).toMatch(/kept +3 +8 +1 +---s-- /)
  expect((await system.xm('destroy', 'kept')).status).toBe(0)
  expect((await system.domains()).map(({ name }) => name).toSorted()).toEqual(['reboots', 'renamed', 'unseen'])
})
