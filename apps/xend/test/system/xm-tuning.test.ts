/** Dialogues about vCPUs, shares, names, keys and messages. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { System } from './system.ts'
import { runXmHere } from './xm-process.ts'

const DONE = { status: 0, stdout: '', stderr: '' }
const PATIENCE = { timeout: 30_000 }
let system: System
beforeAll(async () => {
  system = await System.start()
  await system.xm('create', await system.helloConfig())
})
afterAll(() => system.stop())

/** Without CPU time and columns of Domain-0 that differ. */
const rows = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ +\d+\.\d( |$)/, ' T$1').replace(/ (r--|---) /, ' -b- '))

test('vCPUs are listed by domain, and pinned', async () => {
  const { stdout } = await system.xm('vcpu-list')
  expect(rows(stdout)).toEqual([
    'Name                                ID  VCPU   CPU State   Time(s) CPU Affinity',
    'Domain-0                             0     0     -   -b- T any cpu',
    'hello                                1     0     0   -b- T any cpu',
  ])
  expect(rows((await system.xm('vcpu-list', '1')).stdout)).toEqual(rows(stdout).toSpliced(1, 1))
  expect(await system.xm('vcpu-pin', 'hello', 'all', '0-3')).toEqual(DONE)
  expect(await system.xm('vcpu-pin', '1', '0', 'all')).toEqual(DONE)
  const [own, hello] = JSON.parse((await system.xm('vcpu-list', '--json')).stdout)
  expect(own).toMatchObject({ name: 'Domain-0', domid: 0, vcpu: 0, pcpu: null, online: true, affinity: [0] })
  expect(hello).toMatchObject({ name: 'hello', domid: 1, vcpu: 0, pcpu: 0, online: true, affinity: [0] })
})

test('shares are shown, and set for one domain', async () => {
  const header = 'Name                                ID Weight  Cap\n'
  expect((await system.xm('sched-credit')).stdout).toBe(
    `${header}Domain-0                             0      -    -\nhello                                1    256    0\n`,
  )
  expect(await system.xm('sched-credit', '-d', 'hello', '-w', '512')).toEqual(DONE)
  expect(await system.xm('sched-credit', '--domain=1', '-c50')).toEqual(DONE)
  expect((await system.xm('sched-credit', '-d', '1')).stdout).toBe(
    `${header}hello                                1    512   50\n`,
  )
  expect(JSON.parse((await system.xm('sched-credit', '-d', '1', '--json')).stdout)).toEqual([
    { name: 'hello', domid: 1, weight: 512, cap: 50 },
  ])
  // What xend would start it with again.
  const [{ record }] = await system.control.call<[{ record: string }]>('domain.list')
  expect(JSON.parse(record).config).toMatchObject({ weight: 512, cap: 50, affinity: [[0]] })
})

test.each([
  [['vcpu-pin', 'hello', '0', '5'], 'a vCPU cannot be pinned to pCPU 5; there is only pCPU 0\n'],
  [['vcpu-pin', 'hello', '1', '0'], 'domain 1 has no vCPU 1; it has only 0\n'],
  [['vcpu-pin', 'hello', 'x', '0'], "Invalid argument: 'x' is no VCPU; give its number, or all\nUsage: xm vcpu-pin"],
  [['vcpu-pin', 'hello', '0', '0-'], "Invalid argument: '0-' is no list of CPUs; write it as 0-3,^1,5 or all\nUsage"],
  [['sched-credit', '-d'], "Option '-d, --domain <value>' argument missing\nUsage: xm sched-credit"],
  [['sched-credit', '-w', '5'], 'No domain given.\nUsage: xm sched-credit'],
  [['sched-credit', '-d', 'hello', '-w', 'x'], 'Invalid argument: -w x; give a whole number\nUsage'],
  [
    ['sched-credit', '-d', 'hello', '-w', '0'],
    'Cpu weight out of range, valid values are within range from 1 to 65535\n',
  ],
  [
    ['sched-credit', '-d', 'hello', '-c', '101'],
    'Cpu cap out of range, valid range is from 0 to 100 for specified number of vcpus\n',
  ],
  [['rename', 'hello', 'a b'], "Invalid VM Name: 'a b'; give 1 to 64 letters, digits or _ . : + -\n"],
  [['rename', 'hello', 'Domain-0'], "VM name 'Domain-0' already exists as domain 0\n"],
  [['sysrq', 'hello', 'hh'], "Invalid argument: 'hh' is no key of SysRq; give one letter or digit\nUsage: xm sysrq"],
  [['trigger', 'hello', 'power'], 'a paravirtual guest takes no power, only nmi; use xm reboot, shutdown or destroy\n'],
  [
    ['trigger', 'hello', 'x'],
    'Invalid argument: trigger x; it is one of nmi, reset, init, s3resume, power\nUsage: xm trigger',
  ],
  [['trigger', 'hello', 'nmi', 'x'], "Invalid argument: 'x' is no VCPU; give its number\nUsage: xm trigger"],
  [['trigger', 'hello', 'nmi', '9'], 'domain 1 has no vCPU 9; it has only 0\n'],
  [['debug-keys', 'z'], "debug key 'z': the keys are h, m, q, r; h says what they do\n"],
  ...['pause', 'unpause', 'destroy', 'shutdown', 'reboot'].map((what) => [
    [what, 'Domain-0'],
    `Cannot ${what} privileged domain Domain-0: it is the hypervisor's own process, which the host runs.\n`,
  ]),
  [['rename', '0', 'x'], 'Cannot rename privileged domain Domain-0: '],
  [['vcpu-set', '0', '1'], 'Cannot set the vCPUs of privileged domain Domain-0: '],
  [['sysrq', '0', 'h'], 'Cannot send SysRq to privileged domain Domain-0: '],
  [['trigger', '0', 'nmi'], 'Cannot send a trigger to privileged domain Domain-0: '],
  [['vcpu-pin', '0', '0', '0'], 'Cannot pin a vCPU of privileged domain Domain-0: '],
  [['sched-credit', '-d', '0', '-w', '5'], 'Cannot give a share to privileged domain Domain-0: '],
] as [string[], string][])('xm %j is refused', async (args, begin) => {
  const { status, stdout, stderr } = await runXmHere(args, system.places)
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr.slice(0, begin.length + 7)).toBe(`Error: ${begin}`)
})

test.each([
  ['vcpu-list', 'nobody'],
  ['vcpu-pin', 'nobody', '0', '0'],
  ['sched-credit', '-d', 'nobody'],
  ['sched-credit', '-d', 'nobody', '-w', '5'],
  ['rename', 'nobody', 'x'],
  ['sysrq', 'nobody', 'h'],
  ['trigger', 'nobody', 'nmi'],
  ['uptime', 'nobody'],
])('xm %s: a domain that is not there', async (...args) => {
  expect(await runXmHere(args, system.places)).toEqual({
    status: 3,
    stdout: '',
    stderr: "Error: Domain 'nobody' does not exist.\n",
  })
})

test('a guest is renamed, told by a key, and sent an NMI', async () => {
  expect(await system.xm('rename', 'hello', 'other')).toEqual(DONE)
  expect((await system.xm('domname', '1')).stdout).toBe('other\n')
  expect(await system.readStore('/local/domain/1/name')).toBe('other')
  expect(await system.xm('create', await system.helloConfig(), '-p', '-q')).toEqual(DONE)
  expect((await system.xm('rename', 'hello', 'other')).stderr).toBe(
    "Error: VM name 'other' already exists as domain 1\n",
  )
  expect(await system.xm('destroy', 'hello')).toEqual(DONE)
  expect(await system.xm('sysrq', 'other', 'm')).toEqual(DONE)
  expect(await system.readStore('/local/domain/1/control/sysrq')).toBe('m')
  expect(await system.xm('trigger', 'other', 'nmi')).toEqual(DONE)
  expect(await system.xm('rename', 'other', 'hello')).toEqual(DONE)
})

test("what debug keys bring is among the hypervisor's messages, until they are cleared", async () => {
  expect(await system.xm('debug-keys', 'q')).toEqual(DONE)
  const { stdout } = await system.xm('dmesg', '-c')
  expect(stdout).toContain('(XEN) General information for domain 1:\n')
  expect((await system.xm('dmesg')).stdout).toBe('')
  expect(JSON.parse((await system.xm('dmesg', '--json')).stdout)).toBe('')
})

test('info names the host and the hypervisor', async () => {
  const { stdout } = await system.xm('info')
  expect(stdout).toMatch(/^host {19}: \S+\nrelease {16}: /)
  expect(stdout).toMatch(/^hw_caps {16}: ([0-9a-f]{8}:){7}[0-9a-f]{8}$/m)
  const info = JSON.parse((await system.xm('info', '--json')).stdout)
  expect(info).toMatchObject({ nr_cpus: 1, xen_major: 4, xen_minor: 17, xen_scheduler: 'credit', xen_pagesize: 4096 })
  expect(info.free_memory).toBeGreaterThan(0)
  expect(info.free_memory).toBeLessThanOrEqual(info.total_memory)
  const settings = (await system.xm('info', '-c')).stdout
  expect(settings).toMatch(/^pcpus {33}: 1$/m)
  expect(settings).toMatch(/^log_level {29}: info$/m)
  expect(JSON.parse((await system.xm('info', '-c', '--json')).stdout)).toMatchObject({ pcpus: 1, sched: 'credit' })
})

test('uptime of each domain', async () => {
  const { stdout } = await system.xm('uptime')
  expect(stdout.split('\n')[0]).toBe('Name                                ID Uptime ')
  expect(stdout).toMatch(/^Domain-0 {29}0 {2}0:0\d:\d\d$/m)
  expect(stdout).toMatch(/^hello {32}1 {2}0:0\d:\d\d$/m)
  expect((await system.xm('uptime', '-s', 'hello')).stdout).toMatch(/^ \d\d:\d\d:\d\d up {2}0:0\d, hello \(1\)\n$/)
  const [row] = JSON.parse((await system.xm('uptime', '--json', '1')).stdout)
  expect(row).toMatchObject({ name: 'hello', domid: 1 })
  expect(row.uptimeSeconds).toBeGreaterThan(0)
})

test("a log that is not xend's own to read is told with where it may be", async () => {
  const { status, stderr } = await system.xm('log')
  expect(status).toBe(1)
  expect(stderr).toMatch(
    /^Error: xend does not write to .*xend\.log: its messages go to who started it, such as systemd's journal \(journalctl -u xend\)\n$/,
  )
})

test.each([
  [['hello', '-w'], 'Domain hello terminated\n'],
  [['-a', '-w'], 'Domain hello terminated\nAll domains terminated\n'],
  [['-aw', '--json'], /^\[\s+\{\s+"name": "hello",\s+"domid": \d,\s+"outcome": "terminated"\s+\}\s+\]\n$/],
])('xm shutdown %j says when it is done', async (args, said) => {
  await system.xm('destroy', 'hello')
  await system.xm('create', await system.helloConfig())
  const domid = Number((await system.xm('domid', 'hello')).stdout)
  const waited = system.xm('shutdown', ...args)
  await expect.poll(() => system.readStore(`/local/domain/${domid}/control/shutdown`), PATIENCE).toBe('poweroff')
  await system.type(domid, 'quit\r')
  expect(await waited).toEqual({ ...DONE, stdout: said instanceof RegExp ? expect.stringMatching(said) : said })
})
