import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { ROOT } from './root.ts'

const SHOWN_CHARACTERS = 300

export interface ConsoleEnd {
  /** Exit status, null if a signal ended it. */
  readonly status: number | null
  /** The guest's console. */
  readonly stdout: string
  readonly stderr: string
}

/** A program with a guest's console on its terminal, as a child process whose terminal is ours. */
export class ConsoleProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #closed: Promise<number | null>
  #stdout = ''
  #stderr = ''
  #ended = false
  #heard: () => void = () => {}
  readonly begin: number = performance.now()

  constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env, cwd: string = ROOT) {
    this.#child = spawn(program, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
    const hear = (): void => this.#heard()
    this.#child.stdout.on('data', (bytes: Buffer) => {
      this.#stdout += bytes.toString('latin1')
      hear()
    })
    this.#child.stderr.on('data', (bytes: Buffer) => {
      this.#stderr += bytes.toString()
      hear()
    })
    // A guest that ended while it was typed to: its end says why.
    this.#child.stdin.on('error', () => {})
    this.#closed = new Promise((resolve, reject) => {
      this.#child.on('error', reject)
      this.#child.on('close', (status) => {
        this.#ended = true
        resolve(status)
        hear()
      })
    })
  }

  /** What the console has shown so far. */
  get shown(): string {
    return this.#stdout
  }

  /** What it has said besides. */
  get said(): string {
    return this.#stderr
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Waits until the console shows the text. @throws Error if the process ends or `limitMs` passes first */
  async shows(text: string | RegExp, limitMs: number): Promise<void> {
    const has = (): boolean => (typeof text === 'string' ? this.#stdout.includes(text) : text.test(this.#stdout))
    const named = typeof text === 'string' ? JSON.stringify(text) : text
    await this.#until(() => has() || this.#ended, limitMs, `show ${named}`)
    if (!has()) throw new Error(`it ended before it showed ${named}: ${this.#lastWords()}`)
  }

  type(text: string): void {
    this.#child.stdin.write(text)
  }

  /** @throws Error if it has not ended after `limitMs`; then it is killed */
  async ends(limitMs: number): Promise<ConsoleEnd> {
    await this.#until(() => this.#ended, limitMs, 'end')
    return { status: await this.#closed, stdout: this.#stdout, stderr: this.#stderr }
  }

  /** Asks it to end, and kills it if it has not after `limitMs`. */
  async terminate(limitMs: number): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.ends(limitMs).catch(() => {})
  }

  async kill(): Promise<void> {
    if (!this.#ended) this.#child.kill('SIGKILL')
    await this.#closed
  }

  async #until(isSo: () => boolean, limitMs: number, what: string): Promise<void> {
    if (isSo()) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, limitMs)
    this.#heard = () => isSo() && resolve()
    await promise
    clearTimeout(timer)
    this.#heard = () => {}
    if (isSo()) return
    await this.kill()
    throw new Error(`it did not ${what} within ${limitMs / 1000} s: ${this.#lastWords()}`)
  }

  #lastWords(): string {
    return JSON.stringify((this.#stderr + this.#stdout).slice(-SHOWN_CHARACTERS))
  }
}
