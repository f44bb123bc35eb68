import { readFile, stat } from 'node:fs/promises'

export interface ChapLogin {
  readonly user: string
  readonly password: string
}

/** Reads `USER:PASSWORD` of a file that nobody else may read. @throws Error with why not */
export async function readChapFile(path: string): Promise<ChapLogin> {
  const { mode } = await stat(path).catch(() => {
    throw new Error(`there is no file ${path}: write USER:PASSWORD into it`)
  })
  if (mode & 0o077) throw new Error(`others may read the password in ${path}: chmod 600 it`)
  const [, user, password] = /^([^:\n]+):([^\n]+)\n?$/.exec(await readFile(path, 'utf8')) ?? []
  if (user === undefined || password === undefined) throw new Error(`${path} does not have one line USER:PASSWORD`)
  return { user, password }
}
