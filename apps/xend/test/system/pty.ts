/** xm on a terminal of its own, which script(1) of util-linux makes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { XM } from './xm-process.ts'

export class PtyXm {
  readonly #child: ChildProcess
  /** All that the terminal was sent. */
  shown = ''
  /** That of xm. */
  readonly ended: Promise<number | null>

  /** @param before a command of the shell, such as `stty` */
  constructor(args: readonly string[], env: NodeJS.ProcessEnv, before: string = 'stty rows 24 cols 160') {
    const quoted = [process.execPath, ...XM, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
    // The shell's own end shows that the terminal is as it was: stty says so.
    const run = `sh -c 'echo pid $$ $(tty); exec "$@"' sh ${quoted}`
    const line = `${before}; echo stty-before $(stty -g); ${run}; status=$?; echo stty-after $(stty -g); exit $status`
    this.#child = spawn('script', ['-qefc', line, '/dev/null'], { env: { ...env, SHELL: '/bin/sh', TERM: 'xterm' } })
    this.#child.stdout?.on('data', (bytes: Buffer) => {
      this.shown += bytes.toString()
    })
    this.ended = new Promise((resolve) => this.#child.on('close', resolve))
  }

  type(text: string): void {
    this.#child.stdin?.write(text)
  }

  /** The number of xm's process, and the name of its terminal. */
  get process(): { readonly pid: number; readonly tty: string } {
    const [, pid, tty = ''] = /pid (\d+) (\S+)/.exec(this.shown) ?? []
    return { pid: Number(pid), tty }
  }

  /** Its settings, as `stty -g` gives them, before and after. */
  settings(): readonly (string | undefined)[] {
    return ['before', 'after'].map((when) => new RegExp(`stty-${when} (\\S+)`).exec(this.shown)?.[1])
  }

  kill(): void {
    this.#child.kill()
  }
}
