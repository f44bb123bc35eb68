/** Xen's own tools, as Debian packs them, at our xenstore. */
import { execFile, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { xenstoreSocket } from '../../src/folders.ts'
import { System } from './system.ts'
import { obtainXenPackages, type XenPackages } from './xen-packages.ts'

const XS_RELEASE = 9

let system: System
let packages: XenPackages
beforeAll(async () => {
  packages = await obtainXenPackages((line) => process.stderr.write(`${line}\n`))
  system = await System.start()
}, 300_000)
afterAll(() => system.stop())

const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  ...packages.environment,
  XENSTORED_PATH: xenstoreSocket(system.places),
})
const programOf = (tool: string): string =>
  join(tool === 'control' ? packages.daemons : packages.tools, `xenstore-${tool}`)

/** What it prints, and its status where that is not 0. */
function tool(name: string, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(programOf(name), args, { env: environment() }, (error, stdout, stderr) =>
      resolve(error === null ? stdout : `status ${error.code}: ${stderr}`),
    )
  })
}

test('write, read, list, ls, exists, chmod and rm do what they do with Xen', async () => {
  expect(await tool('write', '/test/name', 'a value', '/test/path/deep', '2')).toBe('')
  expect(await tool('read', '/test/name')).toBe('a value\n')
  expect(await tool('read', '-p', '/test/name', '/test/path/deep')).toBe('/test/name: a value\n/test/path/deep: 2\n')
  expect(await tool('list', '/test')).toBe('name\npath\n')
  expect(await tool('ls', '/test')).toBe('name = "a value"\npath = ""\n deep = "2"\n')
  expect(await tool('exists', '/test/name')).toBe('')
  expect(await tool('exists', '/test/none')).toMatch(/^status 1: /)
  expect(await tool('read', '/test/none')).toMatch(/^status 1: xenstore-read: couldn't read path \/test\/none/)
  expect(await tool('chmod', '-r', '/test/path', 'n0', 'r1')).toBe('')
  expect(await tool('ls', '-p', '/test')).toMatch(
    /name = "a value"[ .]+\(n0\)\npath = ""[ .]+\(n0,r1\)\n deep = "2"[ .]+\(n0,r1\)\n/,
  )
  expect(await tool('rm', '-t', '/test/path/deep')).toBe('')
  expect(await tool('list', '/test')).toBe('name\n')
  expect(await tool('write', '-R', '/test/raw', 'a\\x00b')).toBe('')
  expect(await tool('read', '-R', '/test/raw')).toBe('a\\x00b')
})

test('a directory that takes more than one message is listed whole', async () => {
  const names = Array.from({ length: 600 }, (_, n) => `/many/a-name-of-some-length-${n}`)
  expect(await tool('write', ...names.flatMap((name) => [name, '']))).toBe('')
  const listed = (await tool('list', '/many')).trimEnd().split('\n')
  expect(listed.map((name) => `/many/${name}`)).toEqual(names)
})

test('what changes is told to xenstore-watch, also while xend is killed and started again', async () => {
  const heard: string[] = []
  const watcher = spawn(programOf('watch'), ['-n', '4', '/seen'], { env: environment() })
  watcher.stdout.on('data', (bytes: Buffer) => heard.push(...bytes.toString().trimEnd().split('\n')))
  const ended = new Promise((resolve) => watcher.on('exit', resolve))
  await expect.poll(() => heard).toEqual(['/seen'])
  await tool('write', '/seen/before', '1')
  await system.killXend()
  await tool('write', '/seen/between', '2')
  await system.startXend()
  await tool('rm', '/seen/before')
  expect(await ended).toBe(0)
  expect(heard).toEqual(['/seen', '/seen/before', '/seen/between', '/seen/before'])
  expect(await tool('read', '/seen/between')).toBe('2\n')
})

test('the nodes of a guest are there while it is, whatever becomes of xend', async () => {
  await system.xm('create', await system.helloConfig(), 'name=inside')
  const domid = (await system.xm('domid', 'inside')).stdout.trimEnd()
  expect(await tool('read', `/local/domain/${domid}/name`)).toBe('inside\n')
  await system.killXend()
  expect(await tool('read', `/local/domain/${domid}/name`)).toBe('inside\n')
  expect(await tool('control', 'quota', domid)).toContain(`Domain ${domid}:\n`)
  await system.startXend()
  await system.xm('destroy', 'inside')
  await expect.poll(() => tool('exists', `/local/domain/${domid}`)).toMatch(/^status 1/)
})

/** What the hypervisor answers to one request. */
function ask(type: number, payload: string): Promise<string> {
  const message = Buffer.from(`${'\0'.repeat(16)}${payload}`, 'latin1')
  message.writeUInt32LE(type, 0)
  message.writeUInt32LE(payload.length, 12)
  return new Promise((resolve, reject) => {
    const socket = connect(xenstoreSocket(system.places), () => socket.write(message)).on('error', reject)
    socket.on('data', (bytes) => {
      socket.destroy()
      resolve(bytes.subarray(16).toString('latin1'))
    })
  })
}

test('a guest that a program has released from xenstore goes on, and is destroyed as any other', async () => {
  await system.xm('create', await system.helloConfig(), 'name=released')
  const domid = (await system.xm('domid', 'released')).stdout.trimEnd()
  expect(await ask(XS_RELEASE, `${domid}\0`)).toBe('OK\0')
  expect(await ask(XS_RELEASE, `${domid}\0`)).toBe('ENOENT\0')
  expect((await system.xm('list', 'released')).status).toBe(0)
  expect(await system.xm('destroy', 'released')).toMatchObject({ status: 0, stderr: '' })
  await expect.poll(async () => (await system.xm('list', 'released')).status).toBe(3)
  expect(await readFile(join(system.places.state, 'hypervisor.log'), 'utf8')).not.toContain('a bug of Paravane')
  expect(await tool('exists', `/local/domain/${domid}`)).toMatch(/^status 1/)
})

test('xenstore-control checks, and sets quotas', async () => {
  expect(await tool('control', 'check')).toBe('OK\n')
  expect(await tool('control', 'help')).toContain('quota\t[set <name> <value>|<domid>]\n')
  expect(await tool('control', 'quota', 'set', 'nodes', '2000')).toBe('OK\n')
  expect(await tool('control', 'quota')).toMatch(/^Quota settings:\nnodes +: +2000 /)
  expect(await tool('control', 'print', 'told by hand')).toBe('OK\n')
  expect(await readFile(join(system.places.state, 'hypervisor.log'), 'utf8')).toContain(
    'xenstore: control: told by hand',
  )
  expect(await tool('control', 'no-such-command')).toMatch(/^status 3/)
})
