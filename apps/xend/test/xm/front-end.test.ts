import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { COMMANDS } from '../../src/xm/commands.ts'
import { distance } from '../../src/xm/lookup.ts'
import { DEPRECATED, UNAVAILABLE } from '../../src/xm/unavailable.ts'
import { runXm, runXmHere, XM, type XmResult } from '../system/xm-process.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-xm-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Where no xend is. */
const alone = (): NodeJS.ProcessEnv => ({ ...process.env, PARAVANE_RUN: folder, PARAVANE_STATE: folder })
const here = (...args: readonly string[]): Promise<XmResult> => runXmHere(args, { run: folder, state: folder })
const xm = (...args: readonly string[]): Promise<XmResult> => runXm(args, { env: alone() })

test('xm alone shows its help and fails, and does not when it was asked', async () => {
  const asked = await xm('help')
  expect(asked).toMatchObject({ status: 0, stderr: '' })
  expect(asked.stdout).toMatch(/^Usage: xm <subcommand> \[args\]\n\nControl, list/)
  expect(asked.stdout).toContain('\n list                 List information about all/some domains.\n')
  expect(await xm('--help')).toEqual(asked)
  expect(await xm('-h')).toEqual(asked)
  expect(await xm()).toEqual({ status: 1, stdout: '', stderr: asked.stdout })
})

test('help of one command is its usage; --help fails, as of old', async () => {
  const usage =
    /^Usage: xm domid <Domain>\n\nConvert a domain name to domain id\.\n\n {2}--json {2}Print one JSON document\.\n$/
  const help = await xm('help', 'domid')
  expect(help).toMatchObject({ status: 0, stderr: '' })
  expect(help.stdout).toMatch(usage)
  expect(await xm('domid', '--help')).toEqual({ ...help, status: 1 })
  expect(JSON.parse((await xm('help', 'domid', '--json')).stdout)).toMatchObject([{ name: 'domid', args: [1, 1] }])
})

test.each([
  [['frob'], "Error: Subcommand frob not found!\n'xm help' lists the subcommands.\n"],
  [['lsit'], "Error: Subcommand lsit not found!\nDid you mean list? 'xm help' lists the subcommands.\n"],
  [['help', 'lsit'], "Error: Subcommand lsit not found!\nDid you mean list? 'xm help' lists the subcommands.\n"],
  [['d'], "Error: Subcommand d not found!\n'xm help' lists the subcommands.\n"],
  [['save', 'a', 'b'], "Error: 'xm save' is not there: a guest cannot be saved or moved yet.\n"],
  [['migr', 'a'], "Error: 'xm migrate' is not there: a guest cannot be saved or moved yet.\n"],
  [
    ['balloon', 'x', '5'],
    "Command balloon is deprecated.  Please use xm mem-set instead.\nError: 'xm mem-set' is not there: a guest's memory stays as it was created.\n",
  ],
] as const)('xm %j is refused', async (args, stderr) => {
  expect(await here(...args)).toEqual({ status: 1, stdout: '', stderr })
})

/** One command of each reason. */
test.each([
  ['network-new', "networks are those of xend's configuration, key networks"],
  ['network2-list', 'a guest has network cards of one kind; use the commands network-*'],
  ['save', 'a guest cannot be saved or moved yet'],
  ['reset', 'a paravirtual guest has no reset; use xm reboot, or xm destroy and xm create'],
  ['mem-set', "a guest's memory stays as it was created"],
  ['cpupool-list', 'all pCPUs are one pool'],
  ['pci-attach', 'devices of the host are not handed to guests'],
  ['vtpm-list', 'guests have no TPM'],
  ['vncviewer', 'guests have no display yet'],
  ['tmem-list', 'this hypervisor has no transcendent memory'],
  ['addlabel', 'this hypervisor has no security module'],
  ['sched-sedf', 'this hypervisor has no such scheduler'],
  ['event-monitor', 'event monitoring needs Xen-API, which is not there yet'],
  ['serve', "xend's sockets are for this host only"],
])('xm %s is not there: %s', async (name, reason) => {
  expect(await here(name)).toEqual({ status: 1, stdout: '', stderr: `Error: 'xm ${name}' is not there: ${reason}.\n` })
})

test('a beginning that several commands have names them', async () => {
  const { stderr } = await xm('dom')
  expect(stderr).toMatch(/^Error: Subcommand dom not found!\nDid you mean domid, domname or domstate\? /)
})

test.each([
  [['pause'], "Error: 'xm pause' requires 1 argument.\nUsage: xm pause <Domain>\n"],
  [['pause', 'a', 'b'], "Error: 'xm pause' requires 1 argument.\nUsage: xm pause <Domain>\n"],
  [['help', 'a', 'b'], "Error: 'xm help' requires between 0 and 1 argument.\nUsage: xm help [subcommand]\n"],
  [['reboot', 'a', '-z'], "Error: Unknown option '-z'"],
  [['sched-credit', '-d'], "Error: Option '-d, --domain <value>' argument missing\nUsage: xm sched-credit"],
  [['list', '--long=yes'], "Error: Option '-l, --long' does not take an argument\nUsage: xm list"],
  [['shutdown'], 'Error: give a domain, or -a for all\nUsage: xm shutdown'],
  [['shutdown', '-a', 'x'], 'Error: give a domain or -a, not both\nUsage: xm shutdown'],
  [['shutdown', '-R', '-H', 'x'], 'Error: give -R or -H, not both\nUsage: xm shutdown'],
] as const)('xm %j is wrong usage, which is shown', async (args, begin) => {
  const { status, stdout, stderr } = await here(...args)
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr.slice(0, begin.length)).toBe(begin)
})

test('where no xend is, that is said in the classic words, with the remedy', async () => {
  expect(await xm('list')).toEqual({
    status: 1,
    stdout: '',
    stderr:
      "Error: Unable to connect to xend: No such file or directory. Is xend running?\n'xend start' starts it (in a checkout: npm run xend -- start).\n",
  })
})

test.each([
  [{ FORCE_COLOR: '1' }, '\x1b[31mError:\x1b[39m Subcommand'],
  [{ NO_COLOR: '1' }, 'Error: Subcommand'],
  [{}, 'Error: Subcommand'],
])('colours with %j', async (more, begin) => {
  const { NO_COLOR: _, FORCE_COLOR: __, ...env } = alone()
  const { stderr } = await runXm(['frob'], { env: { ...env, ...more } })
  expect(stderr.slice(0, begin.length)).toBe(begin)
})

test('nobody reads what it writes: it ends without a word', async () => {
  const child = spawn(process.execPath, [...XM, 'help'], { env: alone() })
  child.stdout.destroy()
  let said = ''
  child.stderr.on('data', (bytes) => {
    said += bytes
  })
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(141)
  expect(said).toBe('')
})

test('every alias leads to a name that is known', () => {
  const known = [...COMMANDS.map(({ name }) => name), ...UNAVAILABLE.keys()]
  for (const name of DEPRECATED.values()) expect(known).toContain(name)
})

test.each([
  ['list', 'lsit', 1],
  ['list', 'list', 0],
  ['', 'abc', 3],
  ['info', 'inof', 1],
  ['pause', 'unpause', 2],
])('from %s to %s it takes %i', (a, b, steps) => {
  expect(distance(a, b)).toBe(steps)
})
