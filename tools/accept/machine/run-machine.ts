import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compiledSources } from '../../../apps/xend/src/guest-image/cache-folder.ts'
import { MALLOC, YOUNG } from '../../../apps/xend/src/host-memory.ts'
import { ROOT } from '../root.ts'
import { COMPILES } from './compiles.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))

export interface MachineOptions {
  /** Another Node than this one. */
  readonly node?: string
  /** Whether the script asks what was compiled (compiles.ts). */
  readonly countsCompiles?: boolean
}

/**
 * Runs a script of this folder as a process of its own, and answers the JSON values it wrote, one a line. What it writes to
 * stderr is passed on as it comes. @throws Error if it ends badly
 */
export async function runMachine<T>(
  script: string,
  args: readonly string[],
  progress: (line: string) => void,
  { node = process.execPath, countsCompiles = false }: MachineOptions = {},
): Promise<T[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'paravane-machine-'))
  const note = join(scratch, 'compiles')
  writeFileSync(note, '')
  const counting = countsCompiles ? ['--import', `${folder}count-compiles.mjs`] : []
  const child = spawn(node, [...YOUNG, '--conditions=@paravane/source', ...counting, folder + script, ...args], {
    cwd: ROOT,
    // As `npm start` has it.
    env: { ...process.env, ...MALLOC, NODE_COMPILE_CACHE: compiledSources(), [COMPILES]: note },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes))
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes
    for (const line of bytes.toString().trimEnd().split('\n')) progress(line)
  })
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  }).finally(() => rmSync(scratch, { recursive: true }))
  const values = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
  if (status !== 0)
    throw new Error(`${script} ${args.join(' ')} ended with status ${status}: ${stderr.trimEnd().split('\n').at(-1)}`)
  return values
}
