/** Fetches and unpacks Debian packages through the host's own apt, installing nothing. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { CodedError } from '@paravane/core'
import { placeFolder } from './image-files.ts'

/** What apt knows of a package. */
export interface AptPackage {
  readonly name: string
  readonly version: string
  /** The names in `Depends:`, the first of each group of alternatives. */
  readonly depends: readonly string[]
  /** Size of the download in bytes. */
  readonly size: number
}

export type Progress = (line: string) => void

/** Raised with code `APT_MISSING` where the host has no apt, `APT_FAILED` where apt or dpkg-deb failed. */
export type AptError = CodedError<{ code: 'APT_MISSING' | 'APT_FAILED'; command: string }>

const LIST_OUTPUT_BYTES_MAX = 16 << 20

export class Apt {
  readonly #cache: string
  readonly #progress: Progress
  /** Whether the package lists of our own are in use: the host's are missing or out of date. */
  #ownLists = false

  /** @param cache a folder of ours that may be deleted at any time */
  constructor(cache: string, progress: Progress) {
    this.#cache = cache
    this.#progress = progress
  }

  /** The newest version of `name` that apt offers. */
  async describe(name: string): Promise<AptPackage> {
    const found = (await this.#show(name)) ?? ((await this.#useOwnLists()) ? await this.#show(name) : undefined)
    if (found) return found
    const message = `apt offers no package ${name}; Debian has it for amd64`
    throw new CodedError({ code: 'APT_FAILED', command: `apt-cache show ${name}` }, message)
  }

  /** The package and what it needs that this host has not installed. Nothing is installed. */
  async missing(name: string): Promise<string[]> {
    const simulate = async (): Promise<string[]> => {
      const options = [...this.#options(), '-o', 'Debug::NoLocking=1', '--no-install-recommends', '--simulate']
      const said = await execute('apt-get', [...options, 'install', name])
      return said.split('\n').flatMap((line) => /^Inst (\S+)/.exec(line)?.[1] ?? [])
    }
    const found = await simulate().catch(async (error: unknown) => {
      if (!(error instanceof CodedError && error.code === 'APT_FAILED' && (await this.#useOwnLists()))) throw error
      return simulate()
    })
    return found.includes(name) ? found : [...found, name]
  }

  /** Unpacks the package's files below `folder`, which appears complete or not at all. */
  async unpack(wanted: AptPackage, folder: string): Promise<void> {
    await mkdir(this.#cache, { recursive: true })
    const scratch = await mkdtemp(join(this.#cache, 'unpack-'))
    try {
      this.#progress(`fetching ${wanted.name} ${wanted.version} (${(wanted.size / 1e6).toFixed(1)} MB) ...`)
      await this.#download(wanted, scratch)
      const [deb] = (await readdir(scratch)).filter((file) => file.endsWith('.deb'))
      const files = join(scratch, 'files')
      await execute('dpkg-deb', ['-x', join(scratch, deb), files])
      await mkdir(dirname(folder), { recursive: true })
      await placeFolder(files, folder)
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }

  async #show(name: string): Promise<AptPackage | undefined> {
    try {
      return parseStanza(await execute('apt-cache', [...this.#options(), 'show', '--no-all-versions', name]))
    } catch (error) {
      // apt-cache fails the same way for an unknown name and for lists that were never fetched.
      if (error instanceof CodedError && error.code === 'APT_FAILED') return undefined
      throw error
    }
  }

  async #download({ name, version }: AptPackage, cwd: string): Promise<void> {
    const command = (): Promise<string> =>
      execute('apt-get', [...this.#options(), '-qq', 'download', `${name}=${version}`], cwd)
    try {
      await command()
    } catch (error) {
      // Lists older than the archive name files that are gone.
      if (!(error instanceof CodedError && error.code === 'APT_FAILED' && (await this.#useOwnLists()))) throw error
      await command()
    }
  }

  /** Fetches package lists into our cache, which needs no root; false if that was done before. */
  async #useOwnLists(): Promise<boolean> {
    if (this.#ownLists) return false
    this.#ownLists = true
    this.#progress('fetching package lists into the cache (apt-get update with lists of our own) ...')
    for (const folder of ['lists/partial', 'archives/partial']) {
      await mkdir(join(this.#cache, 'apt', folder), { recursive: true })
    }
    await execute('apt-get', [...this.#options(), '-qq', 'update'])
    return true
  }

  #options(): string[] {
    const options = ['APT::Sandbox::User=root']
    if (this.#ownLists) {
      const own = join(this.#cache, 'apt')
      options.push(`Dir::State::lists=${own}/lists`, `Dir::Cache=${own}`)
    }
    return options.flatMap((option) => ['-o', option])
  }
}

/** Reads the first stanza of what `apt-cache show` prints. */
export function parseStanza(text: string): AptPackage | undefined {
  const fields = new Map<string, string>()
  for (const line of text.split('\n\n')[0].split('\n')) {
    const match = /^([A-Za-z0-9-]+): (.*)$/.exec(line)
    if (match) fields.set(match[1], match[2])
  }
  const name = fields.get('Package')
  const version = fields.get('Version')
  if (name === undefined || version === undefined) return undefined
  const depends = (fields.get('Depends') ?? '').split(',').map((group) => group.trim().split(/[ :(|]/)[0])
  return { name, version, depends: depends.filter((each) => each !== ''), size: Number(fields.get('Size') ?? 0) }
}

async function execute(program: string, args: readonly string[], cwd?: string): Promise<string> {
  const command = `${program} ${args.join(' ')}`
  try {
    const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' }
    const { stdout } = await promisify(execFile)(program, args, { cwd, env, maxBuffer: LIST_OUTPUT_BYTES_MAX })
    return stdout
  } catch (cause) {
    const { code, stderr } = cause as { code?: string | number; stderr?: string }
    if (code === 'ENOENT') {
      throw new CodedError({ code: 'APT_MISSING', command }, `${program} is not on this machine`, { cause })
    }
    const reason = stderr?.trim().split('\n')[0] ?? String(cause)
    throw new CodedError({ code: 'APT_FAILED', command }, `${command}: ${reason}`, { cause })
  }
}
