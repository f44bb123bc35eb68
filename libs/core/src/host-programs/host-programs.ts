import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError } from '../errors.ts'
import { type HostProgram, installedProgram } from './installed-program.ts'
import { unpackedProgram } from './unpacked-program.ts'

/** Finds programs: the host's own, else those of packages that were unpacked and not installed. */
export class HostPrograms {
  /** In it, `newest-NAME` has the path of a folder with the files of Debian's package NAME, and of what that needs. */
  readonly folder: string | undefined

  constructor(folder?: string) {
    this.folder = folder
  }

  /**
   * @param debian the package that has it @param user who needs it, for the message
   * @throws CodedError `PROGRAM_MISSING`
   */
  async need(name: string, debian: string, user: string): Promise<HostProgram> {
    const found = await this.find(name)
    if (found !== undefined) return found
    const unpacked = this.folder === undefined ? '' : `, or fetch it without installing: npm run programs -- ${name}`
    const message = `${user}: ${name} is not on this machine; install Debian's package ${debian}${unpacked}`
    throw new CodedError({ code: 'PROGRAM_MISSING', program: name, package: debian }, message)
  }

  async find(name: string): Promise<HostProgram | undefined> {
    return (await installedProgram(name)) ?? unpackedProgram(await this.#packages(), name)
  }

  async #packages(): Promise<string[]> {
    const { folder } = this
    if (folder === undefined) return []
    const names = await readdir(folder).catch(() => [])
    const marks = names.filter((name) => name.startsWith('newest-')).sort()
    return Promise.all(marks.map(async (name) => (await readFile(join(folder, name), 'utf8')).trim()))
  }
}
