/** xend's way to the hypervisor: starts it where there is none, also when it has ended, and hears that something changed. */
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CodedError } from '@paravane/core'
import { controlSocket, type Folders } from '../folders.ts'
import { compiledSources } from '../guest-image/cache-folder.ts'
import { MALLOC, YOUNG } from '../host-memory.ts'
import type { Logger } from '../log/logger.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import { isAnswered } from '../rpc/socket-place.ts'
import { startDetached } from './start-detached.ts'

const OWN = import.meta.url.endsWith('.ts') ? '../hypervisor/main.ts' : '../hypervisor/main.js'
const PROGRAM = fileURLToPath(new URL(OWN, import.meta.url))
const START_LIMIT_MS = 30_000
const AGAIN_MS = 250
/** One that ends sooner after its start than this is not started again at once, but after a pause that grows. */
const STEADY_MS = 60_000
const PAUSE_MS = { first: 1000, longest: 60_000 } as const

export interface HypervisorLinkInit {
  readonly places: Folders
  /** What it is started with: see `hypervisorArguments`. */
  readonly args: readonly string[]
  readonly log: Logger
}

export interface HypervisorListener {
  /** Called at once, for each change, and when it can be reached again. */
  changed(): void
  /** Another has been started in its place, without the guests. */
  replaced(): void
}

export class HypervisorLink {
  readonly client: RpcClient
  readonly #init: HypervisorLinkInit
  #isThere = true
  #lastStart = Number.NEGATIVE_INFINITY
  #pause = 0

  constructor(init: HypervisorLinkInit) {
    this.#init = init
    const absence = (): string | undefined =>
      this.#isThere ? undefined : 'has ended, and its guests with it; xend is starting another'
    this.client = new RpcClient({ name: 'the hypervisor', path: this.#path, absence })
  }

  get #path(): string {
    return controlSocket(this.#init.places)
  }

  /** Finds it, or starts it. @throws CodedError `HYPERVISOR_START` */
  async open(): Promise<void> {
    if (!(await isAnswered(this.#path))) await this.#start()
  }

  /** Never ends: xend's own end is its end. */
  watch(listener: HypervisorListener): void {
    let over = false
    const again = (): void => {
      if (over) return
      over = true
      // One that takes no more clients is there, too.
      void this.#restore(listener)
        .then(() => sleep(AGAIN_MS))
        .then(() => this.watch(listener))
    }
    const request = httpRequest({ socketPath: this.#path, path: '/changes', agent: false }, (response) => {
      response.on('data', () => listener.changed())
      response.on('close', again)
      response.on('error', again)
    })
    request.on('error', again)
    request.end()
  }

  async #restore({ replaced }: HypervisorListener): Promise<void> {
    const { log } = this.#init
    while (!(await isAnswered(this.#path))) {
      if (this.#isThere) log.error('the hypervisor has ended, and its guests with it; another is started')
      this.#isThere = false
      if (performance.now() - this.#lastStart > STEADY_MS) this.#pause = 0
      await sleep(this.#pause)
      this.#pause = Math.min(Math.max(PAUSE_MS.first, 2 * this.#pause), PAUSE_MS.longest)
      try {
        await this.#start()
        replaced()
      } catch (error) {
        log.error((error as Error).message, { again: `${this.#pause / 1000} s` })
      }
    }
    this.#isThere = true
  }

  /** glibc's and V8's limits are read when a process begins. */
  async #start(): Promise<void> {
    const { places, args, log } = this.#init
    const { run, state } = places
    this.#lastStart = performance.now()
    const why = await startDetached({
      name: 'the hypervisor',
      program: PROGRAM,
      args,
      nodeArgs: YOUNG,
      env: {
        ...MALLOC,
        NODE_COMPILE_CACHE: compiledSources(),
        ...process.env,
        PARAVANE_RUN: run,
        PARAVANE_STATE: state,
      },
      logFile: join(state, 'hypervisor.log'),
      socket: this.#path,
      limitMs: START_LIMIT_MS,
    })
    if (why !== undefined) {
      throw new CodedError({ code: 'HYPERVISOR_START' }, `the hypervisor could not be started: ${why}`)
    }
    log.info('the hypervisor was started', { arguments: args.join(' ') })
  }
}
