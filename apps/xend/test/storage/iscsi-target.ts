/** A target of the real tgtd on loopback, with one logical unit. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { truncateSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { freePort } from '../free-port.ts'
import type { Place } from './place.ts'

export class IscsiTarget {
  readonly iqn: string
  readonly portal: string
  readonly #place: Place
  #daemon: ChildProcess | undefined

  static async start(place: Place, name: string, size: number, chap?: readonly [string, string]): Promise<IscsiTarget> {
    const target = new IscsiTarget(place, name, `127.0.0.1:${await freePort()}`)
    writeFileSync(place.path(name), '')
    truncateSync(place.path(name), size)
    await target.start(chap)
    return target
  }

  private constructor(place: Place, name: string, portal: string) {
    this.#place = place
    this.iqn = `iqn.2026-01.test:${name}`
    this.portal = portal
  }

  async start(chap?: readonly [string, string]): Promise<void> {
    const { path, environment } = await this.#place.programs.need('tgtd', 'tgt', 'the test')
    this.#daemon = spawn(path, ['-f', '--iscsi', `portal=${this.portal}`], {
      env: { ...process.env, ...environment, TGT_IPC_SOCKET: this.#socket },
      stdio: 'ignore',
    })
    const target = ['--mode', 'target', '--tid', '1']
    for (let tries = 0; ; tries++) {
      const made = await this.#ask(...target, '--op', 'new', '-T', this.iqn).catch((error: Error) => error)
      if (!(made instanceof Error)) break
      if (tries > 100) throw made
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await this.#ask('--mode', 'logicalunit', '--op', 'new', '--tid', '1', '--lun', '1', '-b', this.image)
    await this.#ask(...target, '--op', 'bind', '-I', 'ALL')
    if (chap === undefined) return
    const [user, password] = chap
    await this.#ask('--mode', 'account', '--op', 'new', '--user', user, '--password', password)
    await this.#ask('--mode', 'account', '--op', 'bind', '--tid', '1', '--user', user)
  }

  async kill(): Promise<void> {
    if (this.#daemon === undefined || this.#daemon.signalCode !== null) return
    this.#daemon.kill('SIGKILL')
    await once(this.#daemon, 'exit')
  }

  /** The file behind its logical unit. */
  get image(): string {
    return this.#place.path(this.iqn.split(':')[1]!)
  }

  get #socket(): string {
    return this.#place.path(`tgt-${this.portal.split(':')[1]}`)
  }

  async #ask(...args: readonly string[]): Promise<void> {
    const { path, environment } = await this.#place.programs.need('tgtadm', 'tgt', 'the test')
    const env = { ...process.env, ...environment, TGT_IPC_SOCKET: this.#socket }
    await promisify(execFile)(path, ['--lld', 'iscsi', ...args], { env })
  }
}
