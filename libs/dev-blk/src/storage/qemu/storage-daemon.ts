import { type ChildProcess, spawn } from 'node:child_process'
import type { HostProgram } from '@paravane/core'

/** A piece of qemu's graph of block nodes: what `blockdev-add` takes. */
export type BlockNode = Readonly<Record<string, unknown>>

export interface DaemonSetup {
  readonly program: HostProgram
  /** setpriv(1): the daemon is told to end when this process dies, however it does. */
  readonly setpriv: HostProgram
  /** How it is told: by TERM it completes what it has, for which it may wait for another machine without end. */
  readonly deathSignal: 'TERM' | 'KILL'
  /** Private to this user. */
  readonly socket: string
  readonly node: BlockNode
  readonly writable: boolean
  /** Takes what it says, by lines, the last perhaps in pieces. */
  readonly heard: (line: string) => void
  /** Secrets by id: files. */
  readonly secrets: Readonly<Record<string, string>>
}

/** Name of the export, and of the topmost node. */
export const DISK_NODE = 'disk'

const START_MS_MAX = 20_000
const END_MS_MAX = 5000
const SAID_CHARS_MAX = 4096

/** One process of qemu-storage-daemon that serves one disk by NBD on a unix socket. */
export class StorageDaemon {
  readonly #child: ChildProcess
  /** Resolves with what it said, when it has ended. */
  readonly ended: Promise<string>

  /** Resolves when the disk is served. @throws Error with what qemu said */
  static async start(setup: DaemonSetup): Promise<StorageDaemon> {
    const daemon = new StorageDaemon(setup)
    const timer = setTimeout(() => daemon.#child.kill('SIGKILL'), START_MS_MAX)
    // The greeting of its monitor comes when all is set up.
    const greeted = new Promise<undefined>((resolve) => daemon.#child.stdout!.once('data', () => resolve(undefined)))
    const said = await Promise.race([greeted, daemon.ended])
    clearTimeout(timer)
    if (said !== undefined) throw new Error(said)
    return daemon
  }

  private constructor({ program, setpriv, deathSignal, socket, node, writable, heard, secrets }: DaemonSetup) {
    const args = [
      ...Object.entries(secrets).flatMap(([id, file]) => [
        '--object',
        JSON.stringify({ 'qom-type': 'secret', id, file }),
      ]),
      ...['--blockdev', JSON.stringify({ ...node, 'node-name': DISK_NODE })],
      ...['--nbd-server', JSON.stringify({ addr: { type: 'unix', path: socket }, 'max-connections': 4 })],
      ...['--export', JSON.stringify({ type: 'nbd', id: 'export', 'node-name': DISK_NODE, name: DISK_NODE, writable })],
      ...['--chardev', 'stdio,id=monitor,signal=off', '--monitor', 'chardev=monitor'],
    ]
    const options = ['--pdeathsig', deathSignal, '--', program.path, ...args]
    this.#child = spawn(setpriv.path, options, {
      cwd: '/',
      // A terminal's Ctrl-C is not for it.
      detached: true,
      env: { ...process.env, ...program.environment, LC_ALL: 'C' },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let [said, line] = ['', '']
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-SAID_CHARS_MAX)
      for (const [n, piece] of text.split('\n').entries()) {
        line = (n === 0 ? line + piece : piece).slice(-SAID_CHARS_MAX)
        heard(line)
      }
    })
    this.#child.stdout!.resume()
    this.#child.stdin!.on('error', () => {})
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message))
      this.#child.once('close', (code, signal) => resolve(said.trim() || `it ended with ${signal ?? `status ${code}`}`))
    })
  }

  /** It completes what it has, closes its files and ends. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_MS_MAX)
    await this.ended
    clearTimeout(timer)
  }
}
