import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export interface CliResult {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  /** Standard input, all of it at once. */
  readonly input?: string
  /** In place of this process's. */
  readonly env?: NodeJS.ProcessEnv
  /** xend keeps the guest: give it folders of its own by `env`. */
  readonly kept?: boolean
  /** Told of all that standard output has shown so far. */
  readonly shown?: (stdout: string) => void
  /** Signal to send once standard output has the text. */
  readonly signalAt?: readonly [text: string, signal: NodeJS.Signals]
}

/** Runs what `npm start -- args` runs, from set-up on; unless xend is to keep the guest, with --alone. */
export function runCli(
  args: readonly string[],
  { input = '', env = process.env, kept = false, shown, signalAt }: CliOptions = {},
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--conditions=@paravane/source', MAIN, ...(kept ? [] : ['--alone']), ...args],
      { env },
    )
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (bytes: Buffer) => {
      const before = stdout
      stdout += bytes.toString()
      shown?.(stdout)
      // Once: a second signal ends the process at once.
      if (signalAt !== undefined && stdout.includes(signalAt[0]) && !before.includes(signalAt[0]))
        child.kill(signalAt[1])
    })
    child.stderr.on('data', (bytes: Buffer) => {
      stderr += bytes.toString()
    })
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, stdout, stderr }))
    child.stdin.end(input)
  })
}
