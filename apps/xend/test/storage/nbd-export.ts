/** An export of the real qemu-nbd on a unix socket. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Place } from './place.ts'

/** Until it has its socket, on a busy machine, ms. */
const START_MS_MAX = 20_000

export class NbdExport {
  readonly socket: string
  readonly #server: ChildProcess

  /** @param image a raw file @param socket a path that is free */
  static async start(place: Place, image: string, socket: string): Promise<NbdExport> {
    const { path, environment } = await place.programs.need('qemu-nbd', 'qemu-utils', 'the test')
    const options = ['-t', '-e', '8', '-f', 'raw', '--discard=unmap', '-x', 'disk', '-k', socket, image]
    const env = { ...process.env, ...environment }
    const server = new NbdExport(socket, spawn(path, options, { env, stdio: ['ignore', 'ignore', 'inherit'] }))
    const deadline = performance.now() + START_MS_MAX
    while (!existsSync(socket)) {
      if (performance.now() > deadline) throw new Error(`qemu-nbd has no socket ${socket}`)
      await sleep(20)
    }
    return server
  }

  private constructor(socket: string, server: ChildProcess) {
    this.socket = socket
    this.#server = server
  }

  /** Behind the scheme `nbd:`. */
  get target(): string {
    return `unix:${this.socket}:exportname=disk`
  }

  end(): Promise<void> {
    return this.#ended('SIGTERM')
  }

  /** As by the host's want of memory; its socket is taken away, so that another server may take its place. */
  async kill(): Promise<void> {
    await this.#ended('SIGKILL')
    await rm(this.socket)
  }

  async #ended(signal: NodeJS.Signals): Promise<void> {
    if (this.#server.exitCode !== null || this.#server.signalCode !== null) return
    const ended = once(this.#server, 'exit')
    this.#server.kill(signal)
    await ended
  }
}
