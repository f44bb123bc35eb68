import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consoleLogs, controlSocket, xendReadOnlySocket, xendSocket, xenstoreSocket } from '../../src/folders.ts'
import { obtainHelloGuest } from '../../src/start/hello-guest.ts'
import { System } from './system.ts'
import { runXm } from './xm-process.ts'

const isRoot = process.getuid?.() === 0
/** Nobody's user and group, which every host has; and a group beside. */
const NOBODY = { uid: 65_534, gid: 65_534 }
const nameOf = (gid: number): string =>
  execFileSync('getent', ['group', String(gid)])
    .toString()
    .split(':')[0] as string
const [group, readers] = isRoot ? [nameOf(1), nameOf(NOBODY.gid)] : [nameOf(process.getgid?.() ?? 0), undefined]

let system: System
beforeAll(async () => {
  system = await System.start(`group = '${group}'\n${readers === undefined ? '' : `readers = '${readers}'\n`}`)
})
afterAll(() => system.stop())

const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o7777).toString(8)

test('sockets are for their owner and the group; what else there is is not', async () => {
  const { run, state } = system.places
  for (const socket of [xendSocket, xendReadOnlySocket, controlSocket, xenstoreSocket]) {
    expect(await mode(socket(system.places))).toBe('660')
  }
  expect(await mode(run)).toBe(isRoot ? '711' : '750')
  expect(await mode(state)).toBe('700')
  for (const folder of [run, state]) {
    for (const file of await readdir(folder)) {
      if (!file.endsWith('.sock'))
        expect([file, await mode(join(folder, file))]).toEqual([file, expect.stringMatching(/^[67]00$/)])
    }
  }
})

test.runIf(isRoot)('a user of the readers may look, and is refused the rest', async () => {
  await chmod(dirname(system.places.run), 0o711)
  const xm = (...args: readonly string[]) => runXm(args, { env: system.env, folder: '/', user: NOBODY })
  expect(await xm('list')).toMatchObject({ status: 0, stdout: expect.stringContaining('Domain-0'), stderr: '' })
  expect(await xm('info')).toMatchObject({ status: 0 })
  const owner = `${xendSocket(system.places)} is for user 0 only, and you are user ${NOBODY.uid}.`
  const refused = { status: 1, stdout: '', stderr: `Error: You may only look at what there is.\n${owner}\n` }
  expect(await xm('pause', 'Domain-0')).toEqual(refused)
  expect(await xm('log')).toEqual(refused)
})

test('a name is never a way to another file', async () => {
  const kernel = await obtainHelloGuest(() => {})
  const request = { kernel, memory: 8, vcpus: 1, record: '{}' }
  for (const name of ['../x', 'a/b', 'a\0b', '', ' ', 'x'.repeat(65), 'a\nb', '\u2025']) {
    const uuid = '01234567-89ab-cdef-0123-456789abcdef'
    const creating = system.control.call('domain.create', { ...request, name, uuid })
    await expect(creating).rejects.toMatchObject({ code: 'RPC_PARAMS' })
  }
  const names = ['..', '...', '-', 'x'.repeat(64)]
  for (const [n, name] of names.entries()) {
    await system.control.call('domain.create', { ...request, name, uuid: `01234567-89ab-cdef-0123-00000000000${n}` })
  }
  const logs = consoleLogs(system.places)
  for (const { domid } of await system.control.call<readonly { domid: number }[]>('domain.list')) {
    await system.control.call('domain.unpause', { domid })
  }
  const written = async () => (await readdir(logs)).toSorted()
  await expect.poll(written, { timeout: 20_000 }).toEqual(names.map((name) => `guest-${name}.log`).toSorted())
})

test('a link in the place of a log is not followed', async () => {
  const logs = consoleLogs(system.places)
  const mine = join(system.places.state, 'mine')
  await mkdir(logs, { recursive: true })
  await writeFile(mine, 'as it was')
  await symlink(mine, join(logs, 'guest-linked.log'))
  await system.xm('create', await system.helloConfig(), 'name=linked')
  const { domid } = (await system.control.call<readonly { domid: number; name: string }[]>('domain.list')).find(
    ({ name }) => name === 'linked',
  ) as { domid: number }
  const { socket, first } = await system.control.stream(`/console/${domid}`)
  let heard = first.toString()
  socket.on('data', (bytes: Buffer) => {
    heard += bytes.toString()
  })
  await expect.poll(() => heard, { timeout: 20_000 }).toContain('hello: ready')
  socket.destroy()
  await system.xm('destroy', 'linked')
  expect(await readFile(mine, 'utf8')).toBe('as it was')
})
