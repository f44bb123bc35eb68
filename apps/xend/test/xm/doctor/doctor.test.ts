/** xm doctor on folders that are as they should be, and on others. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { noConfig } from '@paravane/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { controlSocket, xendSocket, xenstoreSocket } from '../../../src/folders.ts'
import { lockProcess } from '../../../src/process-lock.ts'
import { ownRelease } from '../../../src/release.ts'
import { startService } from '../../../src/rpc/http-service.ts'
import { takeSocket } from '../../../src/rpc/socket-place.ts'
import { verb } from '../../../src/rpc/verbs.ts'
import { findingLine } from '../../../src/xm/doctor/doctor.ts'
import { type Finding, find } from '../../../src/xm/doctor/finding.ts'
import { engine, memory, nodeVersion, platform, space } from '../../../src/xm/doctor/host-checks.ts'
import { rights } from '../../../src/xm/doctor/place-checks.ts'
import { runXm } from '../../system/xm-process.ts'

let root: string
let ends: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'paravane-doctor-'))
})
afterEach(async () => {
  for (const end of ends) await end()
  ends = []
  await rm(root, { recursive: true })
})

const places = () => ({ run: join(root, 'run'), state: join(root, 'state') })
const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PARAVANE_RUN: places().run,
  PARAVANE_STATE: places().state,
  PARAVANE_CONFIG: join(root, 'xend.cfg'),
})

async function findings(more: NodeJS.ProcessEnv = {}): Promise<{ status: number; by: Record<string, Finding> }> {
  const { status, stdout, stderr } = await runXm(['doctor', '--json'], { env: { ...environment(), ...more } })
  expect(stderr).toBe('')
  const found = JSON.parse(stdout) as Finding[]
  return { status, by: Object.fromEntries(found.map((finding) => [finding.name, finding])) }
}

test('where nothing is yet, nothing fails, and the way on is named', async () => {
  const { status, stdout } = await runXm(['doctor'], { env: environment() })
  expect(status).toBe(0)
  expect(stdout).toContain('ok   engine         WebAssembly with SIMD and shared memory\n')
  expect(stdout).toContain(`ok   folder: run    ${root}/run will be made\n`)
  expect(stdout).toContain("warn xend           it does not run; 'xend start' starts it\n")
  expect(stdout).not.toMatch(/^fail/m)
})

const matching = (text: string | RegExp) =>
  typeof text === 'string' ? expect.stringContaining(text) : expect.stringMatching(text)
const faults: readonly (readonly [string, () => unknown, string, string | RegExp, string | RegExp])[] = [
  [
    'folder: run',
    () => mkdir(places().run, { mode: 0o700 }).then(() => chmod(places().run, 0o777)),
    'fail',
    'can be written to by everybody',
    /^chmod 700 /,
  ],
  ['folder: run', () => writeFile(places().run, ''), 'fail', 'is no folder', /^move it away, or set PARAVANE_RUN$/],
  ['folder: state', () => writeFile(places().state, ''), 'fail', 'is no folder', /PARAVANE_STATE/],
  [
    'database',
    () => fileAt('state/xend.db', 'this is no database at all'.repeat(200)),
    'fail',
    'file is not a database',
    /^move .* away/,
  ],
  ['settings', () => fileAt('xend.cfg', 'pcpus = many'), 'fail', 'xend.cfg:1', /xend does not start with it$/],
  ['settings', () => fileAt('xend.cfg', 'frob = 1'), 'warn', 'frob is not known and has no effect', /^take it out of /],
  [
    'xend',
    () => lockProcess(join(places().run, 'xend.lock'), 'it'),
    'fail',
    /^a process holds .*xend\.lock and does not answer at .*xend\.sock$/,
    /xend\.log; end the process/,
  ],
  [
    'hypervisor',
    () => lockProcess(join(places().run, 'hypervisor.lock'), 'it'),
    'fail',
    'hypervisor.lock and does not',
    /hypervisor\.log; end/,
  ],
  [
    'xenstored',
    () => listen(controlSocket(places())),
    'fail',
    'the hypervisor runs without it',
    /^'xend restart --guests'/,
  ],
  ['xend', () => mkdir(places().run, { mode: 0o700 }), 'warn', 'it does not run', "'xend start' starts it"],
]

test.each(faults)('%s: a fault is found, with its remedy (%#)', async (name, make, level, text, remedy) => {
  await make()
  const { status, by } = await findings()
  expect(by[name]).toMatchObject({ level, text: matching(text), remedy: matching(remedy) })
  expect(status).toBe(level === 'fail' ? 1 : 0)
})

async function fileAt(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true, mode: 0o700 })
  await writeFile(join(root, path), text)
}

/** Somebody who answers nothing. */
async function listen(path: string): Promise<void> {
  const server = createServer((socket) => socket.destroy())
  await takeSocket(server, { path })
  ends.push(() => new Promise((resolve) => server.close(resolve)))
}

/** A xend and a hypervisor that say of which release they are. */
async function answering(xend: object | undefined, hypervisor: object | undefined): Promise<void> {
  await listen(xenstoreSocket(places()))
  for (const [path, method, answer] of [
    [xendSocket(places()), 'node.version', xend],
    [controlSocket(places()), 'info', hypervisor],
  ] as const) {
    const verbs = new Map(answer === undefined ? [] : [[method, verb(noConfig, () => answer)]])
    const service = await startService({ place: { path }, verbs, failed: () => {} })
    ends.push(() => service.close())
  }
}
const same = { release: ownRelease() }

test.each([
  ['all of one', same, same, 'ok', ownRelease()],
  ['another xend', { release: '0.0.1' }, same, 'warn', 'xend is 0.0.1, xm '],
  ['a xend that has no such method', undefined, same, 'warn', 'xend is older, xm '],
  ['another hypervisor', same, { release: '0.0.1' }, 'warn', 'the hypervisor is 0.0.1, xm '],
  ['a hypervisor that does not say', same, {}, 'warn', 'the hypervisor is older, xm '],
])('versions: %s', async (_, xend, hypervisor, level, begin) => {
  await answering(xend, hypervisor)
  const { status, by } = await findings()
  expect(status).toBe(0)
  expect(by.versions).toMatchObject({ level, text: expect.stringContaining(begin) })
  expect(by.xend).toEqual({ level: 'ok', name: 'xend', text: `it answers at ${xendSocket(places())}` })
})

test('a path that is too long for a socket, and programs that are missing', async () => {
  const run = join(root, 'x'.repeat(100))
  const { status, by } = await findings({ PARAVANE_RUN: run, PATH: root, CC: '' })
  expect(status).toBe(1)
  expect(by.sockets).toEqual({
    level: 'fail',
    name: 'sockets',
    text: `a socket's path would have ${Buffer.byteLength(controlSocket({ ...places(), run }))} bytes, of 107`,
    remedy: 'set PARAVANE_RUN to a shorter folder',
  })
  expect(by.compiler).toMatchObject({ level: 'warn', text: 'there is no cc: the hello guest cannot be compiled' })
  expect(by.apt).toEqual({
    level: 'warn',
    name: 'apt',
    text: "there is no apt-get: Debian's kernel cannot be fetched",
    remedy: 'give a kernel and a ramdisk of your own in the config',
  })
})

const wasm = { validate: WebAssembly.validate, Memory: WebAssembly.Memory }
class NoMemory extends WebAssembly.Memory {
  constructor() {
    super({ initial: 0 })
    throw new RangeError('it is full')
  }
}

test.each([
  [engine(WebAssembly), 'WebAssembly with SIMD and shared memory'],
  [engine(undefined), { level: 'fail', text: 'there is no WebAssembly' }],
  [engine({ ...wasm, validate: () => false }), { level: 'fail', text: 'WebAssembly has no SIMD' }],
  [engine({ ...wasm, Memory: NoMemory }), { level: 'fail', text: 'there is no shared memory of 4 GiB: it is full' }],
  [platform('linux', 'x64'), 'linux x64'],
  [platform('darwin', 'arm64'), { level: 'warn', text: 'darwin arm64' }],
  [nodeVersion('24.11.0'), '24.11.0'],
  [nodeVersion('26.0.1'), '26.0.1'],
  [nodeVersion('24.10.9'), { level: 'fail', remedy: 'use Node 24.11 or later; npm install brings one' }],
  [nodeVersion('22.20.0'), { level: 'fail' }],
  [memory(2000), '2000 MiB free'],
  [memory(1000), { level: 'warn', text: '1000 MiB free' }],
  [memory(100), { level: 'fail' }],
  [space('/x', 2000), '2000 MiB free at /x'],
  [space('/x', 100), { level: 'warn' }],
  [space('/x', 10), { level: 'fail', remedy: 'free 1024 MiB there' }],
  [rights('/x', { mode: 0o40700, uid: process.getuid?.() ?? 0 }), '/x'],
  [rights('/x', { mode: 0o40700, uid: 12345 }), { level: 'fail', text: '/x belongs to user 12345' }],
])('%j', (found, expected) => {
  if (typeof expected === 'string') expect(found).toBe(expected)
  else expect(found).toMatchObject(expected)
})

test('a check that comes to grief is a fault of its own', async () => {
  const broken = { name: 'it', run: () => Promise.reject(new Error('no\nstack')) }
  const finding = await find(broken)
  expect(findingLine(finding, (_, text) => text)).toBe(
    'fail it             it could not be looked at: no; see what it names\n',
  )
})
