import { type ChildProcess, spawn } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { type FindProgram, type HostProgram, installedProgram } from '@paravane/core'

/** ns and ms of waits between a helper's end and its next start. */
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 10_000
/** A helper that has worked for so long is started anew at once if it ends. */
const WORKED_MS = 10_000
const KILL_MS = 1000
const ERROR_OUTPUT_MAX = 4096

export interface HelperInit {
  readonly program: HostProgram
  /** File descriptor 3 is the helper's end of a stream. */
  readonly args: readonly string[]
  /** Lines of its standard error that say nothing. */
  readonly ignored?: RegExp
  /** It was started: its stream. Resolves when it works. */
  readonly started: (stream: Duplex) => Promise<void>
  /** It ended by itself, and is going to be started again. */
  readonly ended: (why: string) => void
  /** It works again. */
  readonly back: () => void
}

/**
 * A program that is started with a stream as file descriptor 3, and again whenever it ends. It ends with this process, however that
 * does: by the stream's end if it heeds that, else by setpriv's --pdeathsig where the host has setpriv.
 */
export class HelperProcess {
  readonly #init: HelperInit
  #child: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined
  #wait = FIRST_WAIT_MS
  #stopped = false

  constructor(init: HelperInit) {
    this.#init = init
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** @throws Error with what the program said, if it ends before it works; it is not started again then */
  async start(): Promise<void> {
    const { promise: failed, reject } = Promise.withResolvers<never>()
    let works = false
    const began = performance.now()
    const child = await spawnTied(this.#init.program, this.#init.args)
    this.#child = child
    let said = ''
    child.stderr?.on('data', (text: Buffer) => {
      said = `${said}${text}`.slice(-ERROR_OUTPUT_MAX)
    })
    const end = (why: string): void => {
      if (this.#child !== child) return
      this.#child = undefined
      if (!works) reject(new Error(why))
      else this.#endedByItself(why, performance.now() - began)
    }
    child.once('error', (error) => end(error.message))
    // When its output has been read, too.
    child.once('close', (code, signal) => end(lastLine(said, this.#init.ignored) ?? `it ended with ${signal ?? code}`))
    const stream = child.stdio[3] as unknown as Duplex
    stream.on('error', () => {})
    try {
      await Promise.race([this.#init.started(stream), failed])
      works = true
    } catch (error) {
      await this.#end()
      throw error
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#end()
  }

  #endedByItself(why: string, worked: number): void {
    if (this.#stopped) return
    if (worked > WORKED_MS) this.#wait = FIRST_WAIT_MS
    this.#init.ended(why)
    this.#startLater()
  }

  #startLater(): void {
    this.#timer = setTimeout(() => {
      this.start().then(this.#init.back, (error: Error) => {
        if (this.#stopped) return
        this.#init.ended(error.message)
        this.#startLater()
      })
    }, this.#wait)
    this.#timer.unref()
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS)
  }

  async #end(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill()
    const timer = setTimeout(() => child.kill('SIGKILL'), KILL_MS)
    await gone
    clearTimeout(timer)
  }
}

let setpriv: ReturnType<FindProgram> | undefined

async function spawnTied({ path, environment }: HostProgram, args: readonly string[]): Promise<ChildProcess> {
  setpriv ??= installedProgram('setpriv')
  const tie = await setpriv
  const tied = tie === undefined ? [path] : [tie.path, '--pdeathsig', 'KILL', '--', path]
  const [first = path, ...rest] = [...tied, ...args]
  // A pipe of Node's for a descriptor beyond the first three is a pair of connected unix sockets.
  return spawn(first, rest, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } })
}

function lastLine(text: string, ignored: RegExp | undefined): string | undefined {
  return text
    .split('\n')
    .findLast((line) => line.trim() !== '' && !ignored?.test(line))
    ?.trim()
}
