/** Our xenstored: the hypervisor as a process, started as xend starts it, without guests. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { xenstoreSocket } from '../../apps/xend/src/folders.ts'
import { MALLOC, YOUNG } from '../../apps/xend/src/host-memory.ts'
import { isAnswered } from '../../apps/xend/src/rpc/socket-place.ts'

const MAIN = fileURLToPath(new URL('../../apps/xend/src/hypervisor/main.ts', import.meta.url))
const LOOK_MS = 20

export class OwnXenstored {
  readonly socketPath: string
  readonly #folder: string
  readonly #process: ChildProcess
  #said = ''

  private constructor(folder: string, command: readonly string[]) {
    this.#folder = folder
    const places = { run: join(folder, 'run'), state: join(folder, 'state') }
    this.socketPath = xenstoreSocket(places)
    const node = [process.execPath, ...YOUNG, '--conditions=@paravane/source', MAIN]
    const [program = '', ...args] = [...command, ...node]
    this.#process = spawn(program, [...args, 'pcpus=1', 'keep=false'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...MALLOC, ...process.env, PARAVANE_RUN: places.run, PARAVANE_STATE: places.state },
    })
    this.#process.stderr?.on('data', (bytes: Buffer) => {
      this.#said += bytes.toString()
    })
  }

  /** @param command what it is started with, as taskset and its arguments */
  static async start(command: readonly string[]): Promise<OwnXenstored> {
    const own = new OwnXenstored(await mkdtemp(join(tmpdir(), 'paravane-xenstore-')), command)
    while (!(await isAnswered(own.socketPath))) {
      if (own.#process.exitCode !== null) throw new Error(`the hypervisor does not start: ${own.#said.trim()}`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    return own
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#process.once('exit', resolve))
    if (this.#process.exitCode === null) {
      this.#process.kill('SIGTERM')
      await gone
    }
    await rm(this.#folder, { recursive: true, force: true })
  }
}
