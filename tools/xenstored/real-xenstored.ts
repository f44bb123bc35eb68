/** Debian's own xenstored, the one in C, as a process that needs no Xen (shim.c). */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { obtainXenPackages, type XenPackages } from '../../apps/xend/test/system/xen-packages.ts'

const SHIM = fileURLToPath(new URL('shim.c', import.meta.url))
const PAGE = Buffer.alloc(4096)
const START_MS = 5000
const LOOK_MS = 10

export class RealXenstored {
  readonly folder: string
  readonly packages: XenPackages
  readonly process: ChildProcess
  said = ''

  private constructor(folder: string, packages: XenPackages, command: readonly string[]) {
    this.folder = folder
    this.packages = packages
    const [program = '', ...args] = [...command, join(packages.daemons, 'xenstored'), '--no-fork']
    this.process = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        ...packages.environment,
        SHIM_DIR: folder,
        XENSTORED_RUNDIR: folder,
        LD_PRELOAD: join(folder, 'shim.so'),
      },
    })
    this.process.stderr?.on('data', (bytes: Buffer) => {
      this.said += bytes.toString()
    })
  }

  /** @param command what it is started with, as taskset and its arguments */
  static async start(progress: (line: string) => void, command: readonly string[] = []): Promise<RealXenstored> {
    const packages = await obtainXenPackages(progress)
    const folder = await mkdtemp(join(tmpdir(), 'xenstored-'))
    const compiler = process.env.CC || 'cc'
    await promisify(execFile)(compiler, ['-O2', '-shared', '-fPIC', '-o', join(folder, 'shim.so'), SHIM])
    await promisify(execFile)('mkfifo', [join(folder, 'events')])
    await writeFile(join(folder, 'xsd_kva'), PAGE)
    await writeFile(join(folder, 'xsd_port'), '1')
    const real = new RealXenstored(folder, packages, command)
    await real.#answers()
    return real
  }

  get socketPath(): string {
    return join(this.folder, 'socket')
  }

  ringPath(domid: number): string {
    return join(this.folder, `ring.${domid}`)
  }

  /** A domain that INTRODUCE can name from now on. */
  async createDomain(domid: number): Promise<void> {
    await writeFile(this.ringPath(domid), PAGE)
  }

  /** The event of a domain's store channel; of 0: a domain is gone. */
  async raise(domid: number): Promise<void> {
    const events = await open(join(this.folder, 'events'), constants.O_WRONLY | constants.O_NONBLOCK)
    await events.write(Uint8Array.of(domid & 255, domid >> 8))
    await events.close()
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.process.once('exit', resolve))
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill('SIGKILL')
      await gone
    }
    await rm(this.folder, { recursive: true, force: true })
  }

  async #answers(): Promise<void> {
    const until = Date.now() + START_MS
    for (;;) {
      const answered = await new Promise<boolean>((resolve) => {
        const socket = connect(this.socketPath, () => resolve(true)).on('error', () => resolve(false))
        socket.on('connect', () => socket.destroy())
      })
      if (answered) return
      if (this.process.exitCode !== null || Date.now() > until) {
        throw new Error(`Debian's xenstored does not start: ${this.said.trim() || 'it says nothing'}`)
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }
}
