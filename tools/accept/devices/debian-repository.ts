import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const DATA_BYTES = 4 << 20
const DATA = 'usr/share/paravane-accept/data'
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** What is installed: a command of this name, which shows the checksum of what another package brings. */
export const PACKAGE = 'paravane-accept'
const DATA_PACKAGE = `${PACKAGE}-data`

/** A flat repository of Debian packages in a folder, and an HTTP server of it on this host's loopback. */
export class DebianRepository {
  /** What the command shows: no other repository's packages do. */
  readonly answer: string
  readonly version: string
  /** Paths that were asked for. */
  readonly asked: string[] = []
  readonly #folder: string
  readonly #files = new Map<string, Buffer>()
  readonly #server: Server

  private constructor(folder: string, version: string, answer: string) {
    this.#folder = folder
    this.version = version
    this.answer = answer
    this.#server = createServer(({ url = '' }, response) => {
      this.asked.push(url)
      const file = this.#files.get(url)
      response.writeHead(file === undefined ? 404 : 200, { 'content-length': file?.length ?? 0 }).end(file)
    })
  }

  static async serve(version: string): Promise<DebianRepository> {
    const data = randomBytes(DATA_BYTES)
    const folder = await mkdtemp(join(tmpdir(), 'paravane-repository-'))
    const repository = new DebianRepository(folder, version, sha256(data))
    try {
      await repository.#fill(data)
      repository.#server.listen(0, '127.0.0.1')
      await once(repository.#server, 'listening')
    } catch (error) {
      await rm(folder, { recursive: true })
      throw error
    }
    return repository
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await rm(this.#folder, { recursive: true })
  }

  async #fill(data: Uint8Array): Promise<void> {
    const command = `#!/bin/sh\nexec sha256sum </${DATA}\n`
    const stanzas = [
      await this.#build(DATA_PACKAGE, '', { [DATA]: data }),
      await this.#build(PACKAGE, `Depends: ${DATA_PACKAGE} (= ${this.version})\n`, { [`usr/bin/${PACKAGE}`]: command }),
    ]
    const packages = Buffer.from(stanzas.join('\n'))
    const release = `Date: ${new Date().toUTCString()}\nSHA256:\n ${sha256(packages)} ${packages.length} Packages\n`
    this.#files.set('/./Packages', packages).set('/./Release', Buffer.from(release))
  }

  /** @returns its stanza of Packages (deb822) */
  async #build(name: string, more: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
    const tree = join(this.#folder, name)
    const control = `Package: ${name}\nVersion: ${this.version}\nArchitecture: all\nMaintainer: Nobody <nobody@localhost>\n${more}Description: ${name}\n`
    for (const [path, content] of Object.entries({ ...files, 'DEBIAN/control': control })) {
      const place = join(tree, path)
      await mkdir(dirname(place), { recursive: true })
      await writeFile(place, content)
      await chmod(place, path.startsWith('usr/bin/') ? 0o755 : 0o644)
    }
    const packed = join(this.#folder, `${name}_${this.version}_all.deb`)
    await run('dpkg-deb', ['--root-owner-group', '--build', tree, packed])
    const bytes = await readFile(packed)
    this.#files.set(`/./${basename(packed)}`, bytes)
    return `${control}Filename: ./${basename(packed)}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`
  }
}
