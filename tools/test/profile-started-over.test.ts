/** A profiled process may start over in its own place, as `npm start` does. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { FOLDER_VARIABLE, INTERVAL_VARIABLE } from '../profile/thread-record.ts'

const TIMES = 12
const STARTS_OVER = `
  const left = Number(process.env.LEFT)
  if (left === 0) console.log('done')
  else process.execve(process.execPath, [process.execPath, ...process.execArgv], { ...process.env, LEFT: left - 1 + '' })
`

test('the profiler leaves no signal to what begins', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paravane-profile-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const preload = new URL('../profile/preload.ts', import.meta.url).href
  const args = ['--conditions=@paravane/source', '--import', preload, '--no-warnings', '--eval', STARTS_OVER]
  const env = { ...process.env, [FOLDER_VARIABLE]: folder, [INTERVAL_VARIABLE]: '20', LEFT: `${TIMES}` }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  expect(stdout).toBe('done\n')
  expect(readdirSync(folder)).toEqual(['0.json'])
}, 60_000)
