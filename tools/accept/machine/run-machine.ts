import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { ROOT } from '../root.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))

/**
 * Runs a script of this folder as a process of its own, and answers the JSON values it wrote, one a line. What it writes to
 * stderr is passed on as it comes. @throws Error if it ends badly
 */
export async function runMachine<T>(
  script: string,
  args: readonly string[],
  progress: (line: string) => void,
): Promise<T[]> {
  const child = spawn(process.execPath, ['--conditions=@paravane/source', folder + script, ...args], {
    cwd: ROOT,
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
  })
  const values = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
  if (status !== 0)
    throw new Error(`${script} ${args.join(' ')} ended with status ${status}: ${stderr.trimEnd().split('\n').at(-1)}`)
  return values
}
