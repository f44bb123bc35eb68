import { access, constants, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'

/** A program of others, and how it is started. */
export interface HostProgram {
  readonly path: string
  /** Added to this process's variables. */
  readonly environment: NodeJS.ProcessEnv
}

/** Finds a program by its name; undefined if there is none. */
export type FindProgram = (name: string) => Promise<HostProgram | undefined>

/** Where the system has programs that a user's PATH may leave out: those of root above all. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'] as const

/** PATH, and the system's folders behind it. */
export function systemPath(): string {
  return [process.env.PATH, ...SYSTEM_FOLDERS].filter(Boolean).join(delimiter)
}

/** What is installed on this host. Folders of PATH that depend on where this process was started are left out. */
export const installedProgram: FindProgram = async (name) => {
  const folders = systemPath().split(delimiter).filter(isAbsolute)
  const path = await firstProgram(folders.map((folder) => join(folder, name)))
  return path === undefined ? undefined : { path, environment: { PATH: systemPath() } }
}

/** The first of these paths that is a file and may be run. */
export async function firstProgram(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const isThere = await access(path, constants.X_OK).then(
      async () => (await stat(path)).isFile(),
      () => false,
    )
    if (isThere) return path
  }
  return undefined
}
