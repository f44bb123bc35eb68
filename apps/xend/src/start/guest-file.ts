import { access, constants, readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CodedError } from '@paravane/core'
import type { NamedFile } from '../config/domain-config.ts'

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'it may not be read',
  EPERM: 'it may not be read',
}

/** The bytes of a file the user named. @throws CodedError `FILE_UNREADABLE`, which says where it was named */
export function readGuestFile(file: NamedFile, folder: string): Promise<Buffer> {
  return ofFile(file, folder, (path) => readFile(path))
}

/** Without reading all of it. @throws CodedError as `readGuestFile` does */
export function checkGuestFile(file: NamedFile, folder: string): Promise<void> {
  return ofFile(file, folder, (path) => access(path, constants.R_OK))
}

async function ofFile<T>({ path, where }: NamedFile, folder: string, use: (path: string) => Promise<T>): Promise<T> {
  const full = resolve(folder, path)
  const fail = (why: string, cause?: unknown): never => {
    throw new CodedError(
      { code: 'FILE_UNREADABLE', path: full },
      `${where}: cannot read ${full}: ${why}; name a file that can be read`,
      { cause },
    )
  }
  try {
    if (!(await stat(full)).isFile()) return fail('it is no regular file')
    return await use(full)
  } catch (error) {
    if (error instanceof CodedError) throw error
    const { code = '', message } = error as NodeJS.ErrnoException
    return fail(REASONS[code] ?? message, error)
  }
}
