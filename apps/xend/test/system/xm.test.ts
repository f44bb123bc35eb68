import { afterAll, beforeAll, expect, test } from 'vitest'
import { obtainHelloGuest } from '../../src/start/hello-guest.ts'
import { System } from './system.ts'

const HEADER = 'Name                                        ID   Mem VCPUs      State   Time(s)'
let system: System
let config: string
beforeAll(async () => {
  system = await System.start()
  config = await system.helloConfig()
})
afterAll(() => system.stop())

/** Without what differs from run to run. */
const rows = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/\d+\.\d$/, 'T').replace(/^(Domain-0 +0 +)\d+/, '$1M'))

test('a domain from its creation to its end', async () => {
  expect(await system.xm('create', config, '-p')).toEqual({
    status: 0,
    stdout: `Using config file "${config}".\nStarted domain hello (id=1)\n`,
    stderr: '',
  })
  const paused = await system.xm('list')
  expect(rows(paused.stdout)).toEqual([
    HEADER,
    'Domain-0                                     0   M     1     r-----      T',
    'hello                                        1     8     1     --p---      T',
  ])
  expect(await system.xm('unpause', 'hello')).toEqual({ status: 0, stdout: '', stderr: '' })
  expect(await system.xm('pause', '1')).toEqual({ status: 0, stdout: '', stderr: '' })
  expect(await system.xm('domstate', 'hello')).toEqual({ status: 0, stdout: 'paused\n', stderr: '' })
  expect(await system.xm('domid', 'hello')).toEqual({ status: 0, stdout: '1\n', stderr: '' })
  expect(await system.xm('domname', '1')).toEqual({ status: 0, stdout: 'hello\n', stderr: '' })
  expect(await system.xm('destroy', 'hello')).toEqual({ status: 0, stdout: '', stderr: '' })
  expect(rows((await system.xm('list')).stdout)).toHaveLength(2)
})

test.each([
  [['destroy', 'nobody'], 3, "Error: Domain 'nobody' does not exist.\n"],
  [['pause', '77'], 3, "Error: Domain '77' does not exist.\n"],
  [['create'], 1, /^Error: give a config file: xm create FILE\nUsage: xm create /],
  [
    ['create', 'none.cfg'],
    1,
    'Error: there is no config file none.cfg in .:/etc/xen:/etc/paravane; give one that is there, or other folders with --path\n',
  ],
  [['pause'], 1, /^Error: 'xm pause' requires 1 argument\.\nUsage: xm pause <Domain>\n/],
  [
    ['list', '--state', 'odd'],
    1,
    /^Error: --state odd: it is one of halted, paused, running, suspended, shutdown, crashed, unknown, all\n/,
  ],
] as const)('xm %j is refused', async (args, status, stderr) => {
  const result = await system.xm(...args)
  expect(result.status).toBe(status)
  expect(result.stderr).toMatch(stderr)
  expect(result.stdout).toBe('')
})

test('what a config has beside is told once, and refused by name where it would be a promise', async () => {
  const warned = await system.xm('create', config, 'name=odd', 'frob=1', '-p')
  expect(warned).toMatchObject({ status: 0, stderr: 'Warning: argument frob is not known and has no effect\n' })
  await system.xm('destroy', 'odd')
  const refused = await system.xm('create', config, 'name=odd', 'vnc=1')
  expect(refused.status).toBe(1)
  expect(refused.stderr).toBe('Error: argument vnc: guests have no display yet, only a console; take it out\n')
  const bare = await system.xm('create', config, 'name=odd', 'kernel=None')
  expect(bare.stderr).toMatch(/^Error: /)
  expect(bare.status).toBe(1)
})

test('a name that would lead out of the folder of logs is refused by the control socket', async () => {
  const kernel = await obtainHelloGuest(() => {})
  const request = {
    name: '../../x',
    uuid: '01234567-89ab-cdef-0123-456789abcdef',
    kernel,
    memory: 8,
    vcpus: 1,
    record: '{}',
  }
  await expect(system.control.call('domain.create', request)).rejects.toMatchObject({
    code: 'RPC_PARAMS',
    message: 'domain.create: "name" must be a name of letters, digits and _ . : + -',
  })
  const strange = { ...request, name: 'x', uuid: '../../x' }
  await expect(system.control.call('domain.create', strange)).rejects.toMatchObject({ code: 'DOMAIN_CONFIG' })
})

test('the console of a guest keeps what nobody has read', async () => {
  await system.xm('create', config, 'name=talker')
  const { stdout } = await system.xm('domid', 'talker')
  const { socket, first } = await system.control.stream(`/console/${stdout.trim()}`)
  let text = first.toString()
  socket.on('data', (bytes) => {
    text += bytes.toString()
  })
  socket.write('anybody there\r')
  await expect.poll(() => text, { timeout: 60_000 }).toContain('you said: anybody there')
  expect(text).toContain('Hello from a paravirtual guest')
  socket.destroy()
  await system.xm('destroy', 'talker')
})

test('the store is on a socket, with domain 0 and the guests in it', async () => {
  await system.xm('create', config, 'name=stored', '-p')
  const { stdout } = await system.xm('domid', 'stored')
  const domid = stdout.trim()
  expect(await system.readStore('/local/domain/0/name')).toBe('Domain-0')
  expect(await system.readStore(`/local/domain/${domid}/name`)).toBe('stored')
  await system.xm('destroy', 'stored')
  expect(await system.readStore(`/local/domain/${domid}/name`)).toBe('ENOENT\0')
})
