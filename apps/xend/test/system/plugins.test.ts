import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import type { ControlInfo, DomainRow } from '../../src/hypervisor/control-rows.ts'
import { System } from './system.ts'

const ROUND_ROBIN = fileURLToPath(new URL('../../../../examples/round-robin/index.js', import.meta.url))
let system: System
afterEach(() => system.stop())

test("a guest is scheduled by an outsider's plugin, also after xend was started again", async () => {
  system = await System.start(`plugins = ['${ROUND_ROBIN}']\nsched = 'round-robin'\n`)
  expect(await system.xm('create', await system.helloConfig())).toMatchObject({ status: 0 })
  const state = async () => (await system.control.call<readonly DomainRow[]>('domain.list')).map(({ state }) => state)
  await expect.poll(state, { timeout: 20_000 }).toEqual(['blocked'])
  await system.killXend()
  await system.startXend()
  expect((await system.control.call<ControlInfo>('info')).scheduler).toBe('round-robin')
  expect((await system.xm('info')).stdout).toMatch(/^xen_scheduler +: round-robin$/m)
  expect(await system.xm('sched-credit')).toEqual({
    status: 1,
    stdout: '',
    stderr: 'Error: Xen is running with the round-robin scheduler\n',
  })
  expect(system.said).not.toContain('the hypervisor that runs has')
})

test('a relative path begins where the file is that has it', async () => {
  system = await System.start('')
  await system.stop()
  const path = relative(system.folder, ROUND_ROBIN)
  system = await System.start(`plugins = ['./${path}', ]\nsched = 'round-robin'\n`)
  expect((await system.control.call<ControlInfo>('info')).scheduler).toBe('round-robin')
})
