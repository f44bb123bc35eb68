/** xm top on a real terminal, and in batch mode. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { PtyXm } from './pty.ts'
import { System } from './system.ts'

const PATIENCE = { timeout: 30_000 }
const FIRST_FRAME = 'Delay  Networks  vBds'
let system: System
let top: PtyXm | undefined
beforeAll(async () => {
  system = await System.start()
  await system.xm('create', await system.helloConfig())
})
afterAll(() => system.stop())
afterEach(() => top?.kill())

async function onTerminal(...args: readonly string[]): Promise<PtyXm> {
  top = new PtyXm(['top', ...args], system.env)
  await expect.poll(() => top?.shown, PATIENCE).toContain(FIRST_FRAME)
  return top
}

/** The alternate screen and the cursor's invisibility are taken back, and so are the terminal's settings. */
function expectRestored({ shown, settings }: { shown: string; settings: readonly unknown[] }): void {
  expect(shown.lastIndexOf('\x1b[?1049l')).toBeGreaterThan(shown.lastIndexOf('\x1b[?1049h'))
  expect(shown.lastIndexOf('\x1b[?25h')).toBeGreaterThan(shown.lastIndexOf('\x1b[?25l'))
  expect(settings[0]).toBeDefined()
  expect(settings[1]).toBe(settings[0])
}

test.each([
  ['q', (xm: PtyXm): unknown => xm.type('q'), 0],
  ['Escape', (xm: PtyXm): unknown => xm.type('\x1b'), 0],
  ['Ctrl-C', (xm: PtyXm): unknown => xm.type('\x03'), 1],
  ['SIGINT', (xm: PtyXm): unknown => process.kill(xm.process.pid, 'SIGINT'), 1],
  ['SIGTERM', (xm: PtyXm): unknown => process.kill(xm.process.pid, 'SIGTERM'), 143],
  ['SIGHUP', (xm: PtyXm): unknown => process.kill(xm.process.pid, 'SIGHUP'), 129],
] as const)('the terminal is as it was after %s', async (_, leave, status) => {
  const xm = await onTerminal()
  leave(xm)
  expect(await xm.ended).toBe(status)
  expectRestored({ shown: xm.shown, settings: xm.settings() })
})

test('after so many updates it ends by itself', async () => {
  const xm = await onTerminal('-i', '2', '-d', '0.2')
  expect(await xm.ended).toBe(0)
  expectRestored({ shown: xm.shown, settings: xm.settings() })
})

test('domains are shown, keys are heard, another size is taken, and what does not change is not drawn again', async () => {
  const xm = await onTerminal('-d', '60')
  expect(xm.shown).toMatch(/ {5}hello (--b---|-----r) /)
  xm.type('v')
  await expect.poll(() => xm.shown, PATIENCE).toContain('VCPUs(sec): ')
  xm.type('t')
  await expect.poll(() => xm.shown, PATIENCE).toContain('This hypervisor has no transcendent memory.')
  xm.type('\x1b[B')
  // The last line only has the keys again; the first domain is gone from the lines of domains.
  await expect.poll(() => xm.shown.slice(xm.shown.lastIndexOf('\x1b[5;1H')), PATIENCE).toMatch(/^\S+ {5}hello /)
  expect(xm.shown.match(/Xen 4\.17/g)).toHaveLength(1)
  await promisify(execFile)('stty', ['-F', xm.process.tty, 'rows', '10', 'cols', '30'])
  const redrawn = (): string => xm.shown.slice(xm.shown.lastIndexOf('\x1b[2J'))
  await expect.poll(redrawn, PATIENCE).toMatch(/^(?!.*MEM\(k\)).*\[10;1H.*Delay {2}Networks {2}vBds/)
  expect(redrawn()).not.toContain('\x1b[11;1H')
  const before = xm.shown.length
  xm.type('\x1a')
  await expect.poll(() => xm.shown.slice(before), PATIENCE).toMatch(/\[\?1049l[\s\S]*\[\?1049h[\s\S]*xentop - /)
  xm.type('d0.2\r')
  // The clock goes on.
  await expect.poll(() => xm.shown.slice(before).match(/xentop - /g)?.length, PATIENCE).toBeGreaterThan(3)
  xm.type('q')
  expect(await xm.ended).toBe(0)
})

test('while xend is away that is said, and it goes on when xend is there again', async () => {
  const xm = await onTerminal('-d', '0.2')
  await system.killXend()
  await expect.poll(() => xm.shown, PATIENCE).toContain('Unable to connect to xend: Connection refused.')
  const before = xm.shown.length
  await system.startXend()
  await expect.poll(() => xm.shown.slice(before), PATIENCE).toContain(FIRST_FRAME)
  xm.type('q')
  expect(await xm.ended).toBe(0)
})

test('batch mode writes block after block', async () => {
  const { status, stdout } = await system.xm('top', '-b', '-i', '2', '-d', '0.1', '-v')
  expect(status).toBe(0)
  const lines = stdout.split('\n')
  const block = [
    /^xentop - /,
    /^2 domains: /,
    /^Mem: /,
    /^ {6}NAME {2}STATE /,
    /^ {2}Domain-0 -----r /,
    /^VCPUs\(sec\): /,
  ]
  const guest = [/^ {5}hello (--b---|-----r) /, /^VCPUs\(sec\): {3}0: {10}0s$/]
  for (const [n, line] of [...block, ...guest, ...block, ...guest].entries()) expect(lines[n]).toMatch(line)
  const json = (await system.xm('top', '--json', '-i1')).stdout
  expect(JSON.parse(json).domains).toMatchObject([{ name: 'Domain-0' }, { name: 'hello', cpuPercent: 0 }])
})

test.each([
  [['-d', '0'], 'Error: Invalid argument: -d 0; give 0.1 to 3600 seconds\nUsage: xm top'],
  [['-i', 'x'], 'Error: Invalid argument: -i x; give a whole number from 1\nUsage: xm top'],
  [[], 'Error: standard output is no terminal; xm top -b writes to a file or pipe\n'],
])('xm top %j is refused', async (args, begin) => {
  const { status, stderr } = await system.xm('top', ...args)
  expect(status).toBe(1)
  expect(stderr.slice(0, begin.length)).toBe(begin)
})
