import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startDetached } from '../../src/daemon/start-detached.ts'

const source = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url))
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-detached-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Starts a module of this text, which may use what is imported here. */
async function start(text: string, limitMs: number = 20_000): Promise<string | undefined> {
  const program = join(folder, 'program.ts')
  const imports = `import { createServer } from 'node:net'
    import { CodedError } from '${source('../../../libs/core/src/errors.ts')}'
    import { endRefused } from '${source('refusal.ts')}'
    import { lockProcess } from '${source('process-lock.ts')}'
    const socket = process.argv[2]!
    setTimeout(() => process.exit(9), 20_000).unref()\n`
  await writeFile(program, imports + text)
  return startDetached({
    name: 'the program',
    program,
    args: [socket()],
    nodeArgs: ['--conditions=@paravane/source'],
    env: process.env,
    logFile: log(),
    socket: socket(),
    limitMs,
  })
}
const socket = (): string => join(folder, 's.sock')
const log = (): string => join(folder, 'program.log')

test('a program that answers has started, and what it says is in its log', async () => {
  expect(await start('createServer(() => process.exit()).listen(socket); console.log("here I am")')).toBeUndefined()
  expect(await readFile(log(), 'utf8')).toContain('here I am')
})

test('one that refuses is heard', async () => {
  const refuses = "endRefused(new CodedError({ code: 'NO' }, 'not today; come tomorrow'))"
  expect(await start(refuses)).toBe('not today; come tomorrow')
  expect(await readFile(log(), 'utf8')).toBe('Error: not today; come tomorrow\n')
})

test('one that ends without a word, or says nothing at all, is told with its log', async () => {
  expect(await start('process.exit(7)')).toBe(`the program ended with status 7; ${log()} says why`)
  expect(await start("process.kill(process.pid, 'SIGKILL')")).toBe(`the program ended with SIGKILL; ${log()} says why`)
  const silent = 'setTimeout(() => {}, 3000)'
  expect(await start(silent, 500)).toBe(`the program does not answer after 0.5 s; ${log()} says why`)
})

test('one that finds another before it waits for that to be ready', async () => {
  const lock = JSON.stringify(join(folder, 'lock'))
  const slow = `try { lockProcess(${lock}, 'it'); setTimeout(() => createServer(() => setTimeout(() => process.exit(), 1000)).listen(socket), 1500) }
    catch (error) { endRefused(error) }`
  expect(await Promise.all([start(slow), start(slow)])).toEqual([undefined, undefined])
})
