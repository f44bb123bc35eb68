/** A console with a shell of this machine behind it, and what a terminal and a line editor add to it. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { DomainEnd } from '../../src/host/hypervisor-api.ts'

export interface ShellGuestOptions {
  readonly program?: readonly string[]
  /** Bytes of each piece in which the output arrives. */
  readonly piece?: number
}

export class HostShell {
  readonly name = 'host-shell'
  readonly console: {
    write: (bytes: Uint8Array) => void
    onOutput: (listener: (bytes: Uint8Array) => void) => () => void
  }
  readonly ended: Promise<DomainEnd>
  readonly #end = Promise.withResolvers<DomainEnd>()
  readonly #listeners = new Set<(bytes: Uint8Array) => void>()
  readonly #shell: ChildProcess
  readonly #piece: number
  /** What was typed. */
  typed = ''

  constructor({ program: [file = 'sh', ...args] = [], piece = 4096 }: ShellGuestOptions = {}) {
    this.ended = this.#end.promise
    this.#piece = piece
    const shell = spawn('sh', ['-c', 'exec "$0" "$@" 2>&1', file, ...args], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { PATH: process.env.PATH },
      detached: true,
    })
    this.#shell = shell
    shell.stdout.on('data', (bytes: Buffer) => this.#shown(bytes))
    shell.on('close', () => this.#end.resolve({ reason: 'poweroff', cpuTimeNs: 0n }))
    // A shell that reads no terminal would end by what ends its commands.
    shell.stdin.write('trap : INT\n')
    this.console = {
      write: (bytes) => {
        const text = Buffer.from(bytes).toString()
        this.typed += text
        if (text === '\x03') return this.#signal('SIGINT')
        // The echo, behind a prompt that asks a terminal where the cursor is.
        this.#shown(Buffer.from(`/ # \x1b[6n${text}`))
        shell.stdin.write(text)
      },
      onOutput: (listener) => {
        this.#listeners.add(listener)
        return () => this.#listeners.delete(listener)
      },
    }
  }

  async stop(): Promise<void> {
    this.#signal('SIGKILL')
    await this.ended
  }

  /** To the shell and to what it runs, as a terminal would. */
  #signal(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#shell
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, signal)
  }

  #shown(bytes: Buffer): void {
    const seen = Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1')
    for (let at = 0; at < seen.length; at += this.#piece) {
      for (const listener of this.#listeners) listener(seen.subarray(at, at + this.#piece))
    }
  }
}
