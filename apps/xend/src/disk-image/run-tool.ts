/** Runs a program of the host for an image: what it says is heard line by line, and it ends when this process does. */
import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CodedError } from '@paravane/core'

export interface ToolRun {
  readonly path: string
  readonly args: readonly string[]
  /** Added to this process's variables. */
  readonly environment?: NodeJS.ProcessEnv
  /** Its standard input; none by default. */
  readonly input?: Readable
  /** Hears each line of its standard error. */
  readonly heard?: (line: string) => void
  /** Hears its standard output as it comes. */
  readonly shown?: (text: string) => void
  /** Exit statuses that are no failure. */
  readonly fine?: readonly number[]
}

const LINES_KEPT = 6
const OUTPUT_BYTES_MAX = 16 << 20

/** Process groups that are to end with this process. */
const running = new Set<number>()
process.on('exit', () => {
  for (const pid of running) {
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has just ended.
    }
  }
})

/** @returns what it wrote @throws CodedError `TOOL_FAILED` with its last words */
export async function runTool(run: ToolRun): Promise<string> {
  const { path, args, environment, input, heard, shown, fine = [0] } = run
  const env = { ...process.env, ...environment, LC_ALL: 'C' }
  const child = spawn(path, args, { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  if (child.pid !== undefined) running.add(child.pid)
  const words: string[] = []
  let [text, rest] = ['', '']
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    const lines = (rest + piece).split(/[\n\r]/)
    rest = lines.pop() ?? ''
    for (const line of lines.filter(Boolean)) {
      words.push(line)
      if (words.length > LINES_KEPT) words.shift()
      heard?.(line)
    }
  })
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    if (text.length < OUTPUT_BYTES_MAX) text += piece
    shown?.(piece)
  })
  // What a program that ends early does not read any more is told by its own words.
  const fed = input === undefined ? child.stdin.end() : pipeline(input, child.stdin).catch((error: unknown) => error)
  try {
    const status = await new Promise<number | string>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => resolve(code ?? signal ?? 'an unknown signal'))
    })
    await fed
    if (typeof status === 'number' && fine.includes(status)) return text
    if (rest !== '') words.push(rest)
    const said = words.length === 0 ? `it ended with ${status}` : words.join('; ')
    throw new CodedError({ code: 'TOOL_FAILED', program: path, status }, `${path} failed: ${said}`)
  } finally {
    if (child.pid !== undefined) running.delete(child.pid)
  }
}
