import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const MOST_OUTPUT = 16 << 20

/** A key pair in a folder, and what ssh learns of hosts, by which a guest is spoken to through a port of this host. */
export class SshLogin {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async make(folder: string): Promise<SshLogin> {
    const login = new SshLogin(folder)
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', login.#key])
    return login
  }

  get publicKey(): string {
    return `${this.#key}.pub`
  }

  get #key(): string {
    return join(this.#folder, 'id_ed25519')
  }

  get #known(): string {
    return join(this.#folder, 'known_hosts')
  }

  /** @returns what the command shows @throws Error with what it said, if its status is not 0 */
  async run(port: number, user: string, command: string): Promise<string> {
    const options = ['BatchMode=yes', 'StrictHostKeyChecking=accept-new', `UserKnownHostsFile=${this.#known}`]
    const words = [...options.flatMap((option) => ['-o', option]), '-p', `${port}`, '-i', this.#key]
    const { stdout } = await run('ssh', [...words, `${user}@127.0.0.1`, command], { maxBuffer: MOST_OUTPUT })
    return stdout
  }

  /** Keys of hosts as ssh noted them, and their fingerprints. */
  async hosts(): Promise<{ readonly keys: string; readonly fingerprints: string }> {
    const { stdout: fingerprints } = await run('ssh-keygen', ['-l', '-f', this.#known])
    return { keys: await readFile(this.#known, 'utf8'), fingerprints }
  }
}
