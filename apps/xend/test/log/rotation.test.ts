import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RotatingLog } from '../../src/log/rotating-log.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-log-'))
  file = join(folder, 'x.log')
})
afterEach(() => rm(folder, { recursive: true }))

const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8')
async function ended(log: RotatingLog): Promise<void> {
  log.end()
  await once(log, 'close')
}

test('a full log is put aside, and the sixth is gone', async () => {
  const log = new RotatingLog(file, 10)
  for (let n = 0; n < 8; n++) log.write(`line ${n}...\n`)
  await ended(log)
  expect((await readdir(folder)).toSorted()).toEqual(['x.log', ...[1, 2, 3, 4, 5].map((n) => `x.log.${n}`)])
  const kept = await Promise.all(['x.log.5', 'x.log.4', 'x.log.3', 'x.log.2', 'x.log.1', 'x.log'].map(read))
  const all = Array.from({ length: 8 }, (_, n) => `line ${n}...\n`).join('')
  expect(all.endsWith(kept.join(''))).toBe(true)
  expect(kept.slice(0, 5).map(({ length }) => length)).toEqual([10, 10, 10, 10, 10])
})

test('it goes on where the last one stopped', async () => {
  await writeFile(file, 'before ')
  const log = new RotatingLog(file, 10)
  log.write('after')
  await ended(log)
  expect([await read('x.log.1'), await read('x.log')]).toEqual(['before aft', 'er'])
})

test('a link in its place is not followed, and nothing fails', async () => {
  await writeFile(join(folder, 'other'), 'mine')
  await symlink(join(folder, 'other'), file)
  const log = new RotatingLog(file, 10)
  log.write('a guest wrote that')
  await ended(log)
  expect(await read('other')).toBe('mine')
})

test('what cannot be written is lost, and what comes later is not', async () => {
  const gone = join(folder, 'none', 'x.log')
  const log = new RotatingLog(gone, 100)
  await new Promise((resolve) => log.write('lost', resolve))
  await mkdir(join(folder, 'none'))
  log.write('kept')
  await ended(log)
  expect(await readFile(gone, 'utf8')).toBe('kept')
})

/** In a process of its own, whose standard error is the file. */
async function standardError(limit: number, program: string, log: number = openSync(file, 'a')): Promise<void> {
  const module = fileURLToPath(new URL('../../src/log/standard-error.ts', import.meta.url))
  const text = `import { standardError } from '${module}'; import { renameSync } from 'node:fs'
    const file = process.env.PARAVANE_LOG_FILE; const write = standardError(${limit}); ${program}`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', text], {
    stdio: ['ignore', 'ignore', log],
    env: { ...process.env, PARAVANE_LOG_FILE: file },
  })
  closeSync(log)
  const [status] = await once(child, 'exit')
  expect(status).toBe(0)
}

test('standard error is kept small with all that others write to it', async () => {
  await standardError(100, "for (let n = 0; n < 100; n++) { write('ours ' + n + '\\n'); console.error('theirs ' + n) }")
  expect((await readdir(folder)).toSorted()).toEqual(['x.log', ...[1, 2, 3, 4, 5].map((n) => `x.log.${n}`)])
  const kept = (await Promise.all([5, 4, 3, 2, 1].map((n) => read(`x.log.${n}`)))).join('') + (await read('x.log'))
  const all = Array.from({ length: 100 }, (_, n) => `ours ${n}\ntheirs ${n}\n`).join('')
  expect(all.endsWith(kept)).toBe(true)
  expect(kept.length).toBeGreaterThan(500)
})

test('a full disk, or a reader that is gone, ends nothing', async () => {
  const say = "for (let n = 0; n < 3; n++) write('line ' + n + '\\n'); setTimeout(() => {}, 200)"
  await standardError(100, say, openSync('/dev/full', 'a'))
  const text = `import { standardError } from '${fileURLToPath(new URL('../../src/log/standard-error.ts', import.meta.url))}'
    const write = standardError(100); setTimeout(() => write('one'), 300); setTimeout(() => write('two'), 500)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', text], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  child.stderr.destroy()
  expect(await once(child, 'exit')).toEqual([0, null])
})

test('a file that was moved away is left alone', async () => {
  await standardError(10, "renameSync(file, file + '.moved'); for (let n = 0; n < 10; n++) write('line ' + n + '\\n')")
  expect(await readdir(folder)).toEqual(['x.log.moved'])
})
