import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ControlInfo } from '../../src/hypervisor/control-rows.ts'
import { RpcClient } from '../../src/rpc/rpc-client.ts'
import { hypervisorSettings } from '../../src/settings/hypervisor-settings.ts'

const COMMAND = fileURLToPath(new URL('../../src/daemon/command.ts', import.meta.url))
let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'paravane-xend-'))
})
afterAll(() => rm(root, { recursive: true }))

function xend(...args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const env = {
    ...process.env,
    PARAVANE_RUN: join(root, 'run'),
    PARAVANE_STATE: join(root, 'state'),
    PARAVANE_CONFIG: join(root, 'xend.cfg'),
  }
  return new Promise((resolve) => {
    execFile(process.execPath, ['--conditions=@paravane/source', COMMAND, ...args], { env }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}
const done = { status: 0, stdout: '', stderr: '' }

test('xend is started, started anew, and stopped with all it keeps', async () => {
  const stopped = { status: 3, stdout: 'xend: stopped\nhypervisor: stopped\n', stderr: '' }
  expect(await xend('status')).toEqual(stopped)
  expect(await xend('start', '--pcpus', '1', '--no-keep')).toEqual(done)
  const running = { status: 0, stdout: 'xend: running\nhypervisor: running, 0 guests\n', stderr: '' }
  expect(await xend('status')).toEqual(running)
  expect(await xend('start')).toEqual(done)
  const late = "Warning: xend runs already, and what was given has no effect; 'xend restart' takes the same\n"
  expect(await xend('start', 'log_level=debug')).toEqual({ ...done, stderr: late })
  expect(await xend('restart', '--pcpus', '1', '--no-keep')).toEqual(done)
  expect(await xend('status')).toEqual(running)
  expect(await xend('stop')).toEqual(done)
  expect((await xend('status')).stdout).toBe('xend: stopped\nhypervisor: running, 0 guests\n')
  expect(await xend('stop', '--guests')).toEqual(done)
  expect(await xend('status')).toEqual(stopped)
})

test.each([[], ['frob'], ['stop', '--frob'], ['start', '--guests'], ['status', 'x'], ['unit', '--system']])(
  'xend %j is wrong usage',
  async (...args) => {
    const { status, stderr } = await xend(...args)
    expect(status).toBe(2)
    expect(stderr).toMatch(/^usage: xend start\|stop\|restart\|status\|unit /)
  },
)

test.each([
  [['start', 'frob'], 'frob: neither an option nor KEY=VALUE'],
  [['start', '--frob'], "Unknown option '--frob'. To specify a positional argument starting with a '-'"],
  [['start', '--pcpus'], "Option '--pcpus <value>' argument missing"],
  [['start', '--no-keep=1'], "Option '--no-keep' does not take an argument"],
  [['restart', '--config'], "Option '--config <value>' argument missing"],
] as const)('xend %j is wrong usage, which is told', async (args, message) => {
  const { status, stderr } = await xend(...args)
  expect(status).toBe(2)
  expect(stderr.slice(0, message.length + 7)).toBe(`Error: ${message}`)
  expect(stderr).toContain('\nusage: xend start|stop|restart|status|unit ')
})

/** With a configuration file of these lines. */
async function configured(text: string, ...args: readonly string[]): Promise<{ status: number; stderr: string }> {
  await writeFile(join(root, 'xend.cfg'), text)
  const { status, stderr } = await xend('start', ...args)
  return { status, stderr: stderr.replaceAll(root, 'ROOT') }
}

const plugin = (body: string): string => `export default { id: 'mine', apiVersion: 1, requires: [], provides: [],
  config: { parse: (value) => { ${body} } } }`

test.each([
  ["pcpus = 'many'", [], 'ROOT/xend.cfg:1: pcpus must be a whole number from 1 to 64, not "many"'],
  ['\nlog_level =', [], 'ROOT/xend.cfg:2: the end of the line where a value should be'],
  ["group = '--help'", [], 'ROOT/xend.cfg:1: group must be the name of a group of this host, not "--help"'],
  ["group = 'no-such-group'", [], 'group no-such-group: this host has no such group; name another'],
  ['', ['pcpus=99'], 'argument pcpus must be a whole number from 1 to 64, not "99"'],
  [
    '',
    ['--cpu', 'max,aes'],
    '--cpu must be a level, and features to hide with a dash before each: \'LEVEL[,-NAME...]\', not "max,aes"',
  ],
  ['', ['--config', 'none.cfg'], "none.cfg: xend's configuration cannot be read: there is no such file"],
  [
    "sched = 'frob'",
    [],
    'the hypervisor could not be started: no SchedulerOps is called "frob"; there are: credit; choose another, or list the plugin that has it',
  ],
  ["cpu = 'best'", [], 'cpu-x86: config: "level" must be one of x86-64, x86-64-v2, max'],
  ["plugins = ['./none.mjs']", [], './none.mjs: cannot be imported'],
  ["plugins = ['./wrong.mjs']", [], './wrong.mjs: its default export is no plugin'],
  ["plugins = ['no-such-package-of-anybody']", [], 'no-such-package-of-anybody: no such package'],
  ["plugins = [{'use': './mine.mjs', 'config': {'speed': 'odd'}}]", [], 'mine: config: speed must be a number'],
  ["plugins = [{'use': './mine.mjs', 'frob': 1}]", [], 'ROOT/xend.cfg:1: plugins must be a list of packages or paths'],
] as const)('%j with %j is refused on the terminal', async (text, args, message) => {
  await writeFile(join(root, 'wrong.mjs'), 'export default 7')
  await writeFile(
    join(root, 'mine.mjs'),
    plugin("if (typeof value.speed !== 'number') throw new Error('speed must be a number')"),
  )
  const { status, stderr } = await configured(text, ...args)
  expect(stderr).toContain(message)
  expect(stderr).toMatch(/^Error: [^\n]+\n$/)
  expect(status).toBe(1)
})

test('what runs has the settings of the file; a slip in it is told, and what a running hypervisor cannot have any more', async () => {
  await writeFile(join(root, 'mine.mjs'), plugin(''))
  const file = "pcpus = 1\nkeep = False\nplugins = [{'use': './mine.mjs', 'config': {'speed': 7}}]\nfrob = 1\n"
  const { status, stderr } = await configured(file)
  expect(stderr).toMatch(/^Warning: ROOT\/xend.cfg:4: frob is not known and has no effect; keys: pcpus, [^\n]+\n$/)
  expect(status).toBe(0)
  const control = new RpcClient({ name: 'the hypervisor', path: join(root, 'run', 'hypervisor.sock') })
  const { settings } = await control.call<ControlInfo>('info')
  const plugins = [{ use: './mine.mjs', config: { speed: 7 } }]
  expect(hypervisorSettings(settings ?? [])).toMatchObject({ pcpus: 1, keep: false, plugins, pluginFolder: root })

  await writeFile(join(root, 'xend.cfg'), `${file.replace('frob = 1', '')}log_level = 'debug'\n`)
  const again = await xend('restart')
  expect(again).toEqual({
    status: 0,
    stdout: '',
    stderr: `Warning: log_level: the hypervisor that runs has "info", and not "debug"; 'xend stop --guests' and 'xend start' change that\n`,
  })
  expect(await xend('restart', '--guests')).toEqual(done)
  expect(await xend('stop', '--guests')).toEqual(done)
})
