/** A system of its own: hypervisor and xend as processes, in folders of their own, and xm to speak to them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { controlSocket, type Folders, xendSocket, xenstoreSocket } from '../../src/folders.ts'
import type { DomainRow } from '../../src/hypervisor/control-rows.ts'
import { RpcClient } from '../../src/rpc/rpc-client.ts'
import { isAnswered } from '../../src/rpc/socket-place.ts'
import { obtainHelloGuest } from '../../src/start/hello-guest.ts'
import { runXm, type XmResult } from './xm-process.ts'

const program = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url))
const SOURCES = '--conditions=@paravane/source'
const LOOK_MS = 20
const XS_READ = 2
const STORE_HEADER_BYTES = 16

export class System {
  readonly places: Folders
  readonly control: RpcClient
  /** All that is its own is in it. */
  readonly folder: string
  #xend: ChildProcess | undefined
  /** What every xend of this system has said. */
  said = ''

  private constructor(root: string) {
    this.folder = root
    this.places = { run: join(root, 'run'), state: join(root, 'state') }
    this.control = new RpcClient({ name: 'the hypervisor', path: controlSocket(this.places) })
  }

  /** @param settings xend's configuration file */
  static async start(settings: string = ''): Promise<System> {
    const system = new System(await mkdtemp(join(tmpdir(), 'paravane-system-')))
    await writeFile(system.configFile, settings)
    try {
      await system.startXend()
    } catch (error) {
      await system.stop()
      throw error
    }
    return system
  }

  /** The config of a hello guest, which says its name: path. @param more lines */
  async helloConfig(more: string = ''): Promise<string> {
    const kernel = await obtainHelloGuest(() => {})
    const path = join(this.places.state, 'hello.cfg')
    await writeFile(path, `name = 'hello'\nkernel = '${kernel}'\nmemory = 8\n${more}`)
    return path
  }

  get env(): NodeJS.ProcessEnv {
    const { run, state } = this.places
    return { ...process.env, PARAVANE_RUN: run, PARAVANE_STATE: state, PARAVANE_CONFIG: this.configFile }
  }

  get configFile(): string {
    return join(this.folder, 'xend.cfg')
  }

  async startXend(): Promise<void> {
    const xend = spawn(process.execPath, [SOURCES, program('daemon/main.ts'), '--pcpus', '1'], {
      env: this.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#xend = xend
    xend.stderr.on('data', (bytes: Buffer) => {
      this.said += bytes.toString()
    })
    while (!(await isAnswered(xendSocket(this.places)))) {
      if (xend.exitCode !== null) throw new Error(`xend ended: ${this.said}`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  /** As by the host's want of memory: it has no say in it. */
  async killXend(): Promise<void> {
    const xend = this.#xend
    if (xend === undefined || xend.exitCode !== null) return
    const gone = new Promise((resolve) => xend.once('exit', resolve))
    xend.kill('SIGKILL')
    await gone
  }

  /** As the hypervisor has them. */
  domains(): Promise<readonly DomainRow[]> {
    return this.control.call('domain.list')
  }

  xm(...args: readonly string[]): Promise<XmResult> {
    return runXm(args, { env: this.env, folder: this.folder })
  }

  /** Types at a guest's console, and leaves it. */
  async type(domid: number, text: string): Promise<void> {
    const { socket } = await this.control.stream(`/console/${domid}`)
    await new Promise<void>((resolve) => socket.write(text, () => resolve()))
    socket.end()
  }

  /** The value at a path of the store, by a message of the wire protocol; of an error its name. */
  async readStore(path: string): Promise<string> {
    const payload = Buffer.from(`${path}\0`)
    const header = Buffer.alloc(STORE_HEADER_BYTES)
    header.writeUInt32LE(XS_READ, 0)
    header.writeUInt32LE(payload.length, 12)
    const socket = connect(xenstoreSocket(this.places))
    socket.write(Buffer.concat([header, payload]))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    return answer.subarray(STORE_HEADER_BYTES).toString()
  }

  async stop(): Promise<void> {
    await this.killXend()
    await this.control.call('stop').catch(() => {})
    while (await isAnswered(controlSocket(this.places))) await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    await rm(this.folder, { recursive: true, force: true })
  }
}
