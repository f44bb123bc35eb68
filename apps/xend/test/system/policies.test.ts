/** What the config says of a guest's end, and of xend's own beginning and end. */
import { execFile } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { controlSocket } from '../../src/folders.ts'
import { isAnswered } from '../../src/rpc/socket-place.ts'
import { System } from './system.ts'

const PATIENCE = { timeout: 60_000 }
const COMMAND = fileURLToPath(new URL('../../src/daemon/command.ts', import.meta.url))
let system: System
let config: string
beforeAll(async () => {
  system = await System.start()
  config = await system.helloConfig()
})
afterAll(() => system.stop())

const names = async (): Promise<string[]> => (await system.domains()).map(({ name }) => name).toSorted()
const domidOf = async (name: string): Promise<number> => Number((await system.xm('domid', name)).stdout)

test('the core of a guest that crashes is in a file of its own, and the guest is gone', async () => {
  await system.xm('create', config, 'name=dumped', 'on_crash=coredump-destroy')
  const domid = await domidOf('dumped')
  await system.type(domid, 'crash\r')
  await expect.poll(() => system.domains(), PATIENCE).toEqual([])
  const folder = join(system.places.state, 'dump', 'dumped')
  const files = await readdir(folder)
  expect(files).toEqual([expect.stringMatching(new RegExp(`^\\d{4}-\\d{4}-\\d{4}\\.\\d\\d-dumped\\.${domid}\\.core$`))])
  const MIB = 1 << 20
  expect((await stat(join(folder, files[0] as string))).size).toBeGreaterThan(8 * MIB)
  expect(system.said).toContain(`core dumped domain=dumped domid=${domid} file=${join(folder, files[0] as string)}`)
})

test('what cannot be dumped is dealt with all the same', async () => {
  await system.xm('create', config, 'name=xend.log', 'on_crash=coredump-destroy')
  const domid = await domidOf('xend.log')
  // A file is where the folder of the dumps should be.
  await promisify(execFile)('touch', [join(system.places.state, 'dump', 'xend.log')])
  await system.type(domid, 'crash\r')
  await expect.poll(() => system.domains(), PATIENCE).toEqual([])
  expect(system.said).toContain(`core could not be dumped domain=xend.log domid=${domid} why="EEXIST`)
})

test('a managed guest is started with the system, once, and shut down before xend is stopped', async () => {
  await system.xm('new', config, 'name=always', 'on_xend_start=start', 'on_xend_stop=shutdown', 'on_poweroff=restart')
  await system.xm('new', config, 'name=never')
  await system.killXend()
  await system.control.call('stop')
  await expect.poll(() => isAnswered(controlSocket(system.places)), PATIENCE).toBe(false)
  await system.startXend()
  await expect.poll(names, PATIENCE).toEqual(['always'])
  await system.xm('destroy', 'always')

  // The system is the same: what its owner has destroyed stays so.
  await system.killXend()
  await system.startXend()
  expect(await names()).toEqual([])

  await system.xm('start', 'always')
  await system.xm('create', config, 'name=stays', 'on_xend_stop=shutdown')
  const domid = await domidOf('always')
  const stopped = promisify(execFile)(process.execPath, ['--conditions=@paravane/source', COMMAND, 'stop'], {
    env: system.env,
  })
  await expect.poll(() => system.readStore(`/local/domain/${domid}/control/shutdown`), PATIENCE).toBe('poweroff')
  await system.type(domid, 'quit\r')
  expect(await stopped).toEqual({ stdout: '', stderr: '' })
  // It is not started again, although a guest that powers off would be; one that is not managed is none of xend's stop.
  expect(await names()).toEqual(['stays'])
  expect(system.said.match(/on_xend_start domain=always/g)).toHaveLength(1)
})
