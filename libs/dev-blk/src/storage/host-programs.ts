import { constants, existsSync } from 'node:fs'
import { access, readdir, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { CodedError } from '@paravane/core'

/** A program of others that can be started. */
export interface HostProgram {
  readonly path: string
  /** To be added to this process's variables. */
  readonly environment: NodeJS.ProcessEnv
}

/** Where root's programs are, which not every user's PATH has. */
const SBIN = ['/usr/local/sbin', '/usr/sbin', '/sbin'] as const
const PROGRAM_FOLDERS = ['usr/bin', 'usr/sbin', 'bin', 'sbin'] as const
const LIBRARY_FOLDERS = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu'] as const

/** Finds programs: the host's own, else those of packages that were unpacked and not installed. */
export class HostPrograms {
  /** In it, `newest-NAME` has the path of a folder with the files of Debian's package NAME, and of what that needs. */
  readonly folder: string | undefined

  constructor(folder?: string) {
    this.folder = folder
  }

  /**
   * @param debian the package that has it @param disk for whom
   * @throws CodedError `PROGRAM_MISSING`
   */
  async need(name: string, debian: string, disk: string): Promise<HostProgram> {
    const found = await this.find(name)
    if (found !== undefined) return found
    const unpacked = this.folder === undefined ? '' : `, or fetch it without installing: npm run programs -- ${name}`
    const message = `${disk}: ${name} is not on this machine; install Debian's package ${debian}${unpacked}`
    throw new CodedError({ code: 'PROGRAM_MISSING', program: name, package: debian }, message)
  }

  async find(name: string): Promise<HostProgram | undefined> {
    const places = [...(process.env.PATH ?? '').split(delimiter), ...SBIN].filter((place) => place.startsWith('/'))
    const own = await firstProgram(places.map((place) => join(place, name)))
    if (own !== undefined) return { path: own, environment: {} }
    const packages = await this.#packages()
    const path = await firstProgram(below(packages, PROGRAM_FOLDERS, name))
    if (path === undefined) return undefined
    const libraries = below(packages, LIBRARY_FOLDERS).filter(existsSync)
    const modules = below(packages, LIBRARY_FOLDERS, 'qemu').find(existsSync)
    const environment = {
      LD_LIBRARY_PATH: [...libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
      ...(modules === undefined ? {} : { QEMU_MODULE_DIR: modules }),
    }
    return { path, environment }
  }

  async #packages(): Promise<string[]> {
    const { folder } = this
    if (folder === undefined) return []
    const names = await readdir(folder).catch(() => [])
    const marks = names.filter((name) => name.startsWith('newest-')).sort()
    return Promise.all(marks.map(async (name) => (await readFile(join(folder, name), 'utf8')).trim()))
  }
}

const below = (packages: readonly string[], folders: readonly string[], name = ''): string[] =>
  packages.flatMap((each) => folders.map((folder) => join(each, folder, name)))

async function firstProgram(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return undefined
}
