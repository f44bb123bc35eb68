import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { totals, type VitestReport } from '../vitest-totals.ts'
import type { Outcome } from './point.ts'
import { ROOT } from './root.ts'

const SHOWN_LINES = 20

export interface TestOutcome extends Outcome {
  readonly faults: readonly string[]
  readonly facts: {
    readonly passed: number
    readonly failed: number
    readonly skipped: number
    readonly names: string[]
  }
}

/**
 * Runs test files through vitest; passes when at least one test ran and none failed or was skipped.
 * @param paths files or folders below the repository's root
 * @param more said before the number of tests
 * @param environment added to this process's
 */
export async function runTestFiles(
  paths: readonly string[],
  more?: string,
  environment: NodeJS.ProcessEnv = {},
): Promise<TestOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'paravane-accept-'))
  try {
    const report = join(folder, 'vitest.json')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const { status, output } = await vitest([...reporters, ...paths], environment)
    const read: VitestReport = JSON.parse(readFileSync(report, 'utf8'))
    const { passed, failed, skipped } = totals(read, status)
    const names = read.testResults.flatMap((file) => file.assertionResults.map(({ fullName }) => fullName))
    const counts = `${passed} tests passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`
    const pass = passed > 0 && failed === 0 && skipped.length === 0
    return {
      pass,
      value: more === undefined ? counts : `${more}; ${counts}`,
      faults: pass ? [] : output.trimEnd().split('\n').slice(-SHOWN_LINES),
      facts: { passed, failed, skipped: skipped.length, names },
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function vitest(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...environment }
    const child = spawn('node_modules/.bin/vitest', ['run', ...args], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes))
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, output }))
  })
}
