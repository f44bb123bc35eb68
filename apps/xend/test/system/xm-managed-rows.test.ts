/** Commands about a domain that xend keeps while it does not run, dumps of one that does, and colours. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PtyXm } from './pty.ts'
import { System } from './system.ts'
import { runXmHere } from './xm-process.ts'

const DONE = { status: 0, stdout: '', stderr: '' }
let system: System
beforeAll(async () => {
  system = await System.start()
  const config = await system.helloConfig()
  await system.xm('new', '-q', config, 'name=kept', 'vcpus=2')
  await system.xm('create', '-q', config, '-p')
})
afterAll(() => system.stop())

test('one that does not run has vCPUs, a share and no number', async () => {
  expect((await system.xm('vcpu-list', 'kept')).stdout.split('\n').slice(1)).toEqual([
    'kept                                       0     -   --p       0.0 any cpu',
    'kept                                       1     -   --p       0.0 any cpu',
    '',
  ])
  expect(await system.xm('sched-credit', '-d', 'kept', '-w', '300', '-c', '150')).toEqual(DONE)
  expect((await system.xm('sched-credit', '-d', 'kept')).stdout.split('\n')[1]).toBe(
    'kept                                      300  150',
  )
  expect((await system.xm('sched-credit', '-d', 'kept', '-c', '201')).stderr).toBe(
    'Error: Cpu cap out of range, valid range is from 0 to 200 for specified number of vcpus\n',
  )
  expect((await system.xm('uptime', 'kept')).stdout.split('\n')[1]).toBe(
    'kept                                    0:00:00',
  )
  expect((await system.xm('domstate', 'kept')).stdout).toBe('shutoff\n')
  expect((await system.xm('domname', 'kept')).stdout).toBe('kept\n')
  expect(JSON.parse((await system.xm('vcpu-list', '--json', 'kept')).stdout)).toMatchObject([
    { domid: null, vcpu: 0, state: 'offline' },
    { domid: null, vcpu: 1, state: 'offline' },
  ])
  expect((await system.xm('vcpu-list')).stdout.match(/^\S+/gm)).toEqual(['Name', 'Domain-0', 'hello', 'kept', 'kept'])
})

test.each([['domid'], ['pause'], ['sysrq', 'h'], ['trigger', 'nmi'], ['vcpu-pin', '0', '0'], ['dump-core']])(
  'xm %s: a domain that does not run',
  async (command, ...more) => {
    const { status, stderr } = await runXmHere([command, 'kept', ...more], system.places)
    expect(status).toBe(1)
    expect(stderr).toBe("Error: Domain 'kept' is not running; xm start kept starts it\n")
  },
)

test('"null" is no number of a domain', async () => {
  expect((await system.xm('domname', 'null')).status).toBe(3)
})

test('a core is dumped to the file that is named, or where those of crashes are', async () => {
  const file = join(system.places.state, 'it.core')
  expect(await system.xm('dump-core', 'hello', file)).toEqual({
    ...DONE,
    stdout: 'Dumping core of domain: hello ...\n',
  })
  expect((await readFile(file)).subarray(0, 4).toString('latin1')).toBe('\x7fELF')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const { stdout } = await system.xm('dump-core', '-L', '1')
  const [, there] = /^Dumping core of domain: 1 \.\.\.\nIt is in (.*)\n$/.exec(stdout) ?? []
  expect(there).toMatch(/\/state\/dump\/hello\/\d{4}-\d{4}-\d{4}\.\d\d-hello\.1\.core$/)
  expect((await stat(there as string)).size).toBeGreaterThan(8 << 20)
  expect(JSON.parse((await system.xm('dump-core', 'hello', file, '--json')).stdout)).toEqual({
    name: 'hello',
    domid: 1,
    file,
  })
})

test.each([
  [['hello', '/no/folder/x.core'], '/no/folder/x.core: the dump cannot be written (ENOENT)\n', 'Dumping core'],
  [['-C', '-R', 'hello'], 'give -C or -R, not both\nUsage: xm dump-core', ''],
  [['-R', 'hello'], '-R: a paravirtual guest has no reset; dump it with -C and create it again\n', ''],
  [['Domain-0'], 'Cannot dump privileged domain Domain-0: ', 'Dumping core'],
])('xm dump-core %j is refused', async (args, begin, said) => {
  const { status, stdout, stderr } = await runXmHere(['dump-core', ...args], system.places)
  expect(status).toBe(1)
  expect(stderr.slice(0, begin.length + 7)).toBe(`Error: ${begin}`)
  expect(stdout.slice(0, 12)).toBe(said)
})

test('states and errors have colours on a terminal, unless NO_COLOR says otherwise', async () => {
  // A terminal of a user: node:tty shows no colours in what it takes for CI, or without TERM.
  const env = { ...system.env, TERM: 'xterm', NO_COLOR: undefined, FORCE_COLOR: undefined, CI: undefined }
  const listed = new PtyXm(['list'], env)
  await listed.ended
  expect(listed.shown).toContain('\x1b[33m    --p---\x1b[39m')
  const plain = new PtyXm(['list'], { ...env, NO_COLOR: '1' })
  await plain.ended
  expect(plain.shown).toContain('     8     1     --p---      0.0')
  const failed = new PtyXm(['domid', 'nobody'], env)
  expect(await failed.ended).toBe(3)
  expect(failed.shown).toContain("\x1b[31mError:\x1b[39m Domain 'nobody' does not exist.")
  expect((await system.xm('list')).stdout).toContain('     8     1     --p---      0.0')
})

test('one that is dumped with -C has ended', async () => {
  expect((await system.xm('dump-core', '-C', 'hello', join(system.places.state, 'last.core'))).status).toBe(0)
  expect((await system.xm('domid', 'hello')).status).toBe(3)
})
