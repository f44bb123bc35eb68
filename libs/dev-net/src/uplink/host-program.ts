import { access, constants } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'

/** A program of the host, and how it is started. */
export interface HostProgram {
  readonly program: string
  /** Before all other arguments. */
  readonly leading?: readonly string[]
  /** Added to this process's variables. */
  readonly environment?: NodeJS.ProcessEnv
}

/** Finds a program by its name; undefined if there is none. */
export type FindProgram = (name: string) => Promise<HostProgram | undefined>

/** In the folders of PATH, and where Debian has what only root runs. */
export const installedProgram: FindProgram = async (name) => {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']) {
    if (!isAbsolute(folder)) continue
    const program = join(folder, name)
    const isThere = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return { program }
  }
  return undefined
}
