/** Programs of the host: those that are installed, else Debian's in the cache, which installs nothing. */
import { access, constants, cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { CodedError } from '@paravane/core'
import { Apt, type Progress } from './apt.ts'
import { cacheFolder } from './cache-folder.ts'
import { exists, placeFolder, writeAtomically } from './image-files.ts'

/** Where programs of the system are that a user's PATH may leave out. */
const SYSTEM_FOLDERS: readonly string[] = ['/usr/sbin', '/sbin', '/usr/bin', '/bin']

export interface HostProgram {
  readonly path: string
  readonly env: NodeJS.ProcessEnv
}

/** PATH with the folders of system programs at its end. */
export function systemPath(env: NodeJS.ProcessEnv = process.env): string {
  return [...(env.PATH ?? '').split(delimiter).filter(Boolean), ...SYSTEM_FOLDERS].join(delimiter)
}

/** @returns its path, undefined where it is not installed */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of systemPath().split(delimiter)) {
    const path = join(folder, name)
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return undefined
}

/** @throws CodedError `PROGRAM_MISSING` that names the package */
export async function requireProgram(name: string, debianPackage: string): Promise<HostProgram> {
  const path = await findProgram(name)
  if (path !== undefined) return { path, env: { ...process.env, PATH: systemPath() } }
  const message = `this needs the program ${name}; install it (Debian: apt install ${debianPackage})`
  throw new CodedError({ code: 'PROGRAM_MISSING', name }, message)
}

/**
 * The installed program, else that of Debian's package in the cache with the libraries that the host lacks.
 * @throws CodedError `PROGRAM_MISSING` that names the package and why it could not be fetched
 */
export async function obtainProgram(
  name: string,
  debianPackage: string,
  progress: Progress,
  cache: string = cacheFolder(),
): Promise<HostProgram> {
  const installed = await findProgram(name)
  if (installed !== undefined) return { path: installed, env: { ...process.env, PATH: systemPath() } }
  try {
    return programIn(await obtainPackage(debianPackage, progress, cache), name)
  } catch (cause) {
    const why = cause instanceof CodedError ? cause.message : String(cause)
    const message = `this needs the program ${name}, which could not be fetched: ${why}; install it (Debian: apt install ${debianPackage})`
    throw new CodedError({ code: 'PROGRAM_MISSING', name }, message, { cause })
  }
}

/** In it `newest-NAME` has the path of the folder of package NAME. */
export function programsFolder(cache: string = cacheFolder()): string {
  return join(cache, 'programs')
}

/**
 * A folder with the files of the package and of those it needs that are not installed here. Found without asking apt once it is there.
 * @param parts the packages whose files these are
 */
export async function obtainPackage(
  name: string,
  progress: Progress,
  cache: string = cacheFolder(),
  parts: (apt: Apt) => Promise<readonly string[]> = (apt) => apt.missing(name),
): Promise<string> {
  const programs = programsFolder(cache)
  const newest = join(programs, `newest-${name}`)
  if (await exists(newest)) {
    const known = await readFile(newest, 'utf8')
    if (await exists(known)) return known
  }
  const apt = new Apt(cache, progress)
  const { version } = await apt.describe(name)
  // Colons part the folders of a PATH.
  const folder = join(programs, `${name}_${version.replaceAll(':', '_')}`)
  if (!(await exists(folder))) {
    await mkdir(programs, { recursive: true })
    const scratch = await mkdtemp(join(programs, `${name}.making-`))
    try {
      const whole = join(scratch, 'whole')
      for (const each of await parts(apt)) {
        const one = join(scratch, 'one')
        await apt.unpack(await apt.describe(each), one)
        await cp(one, whole, { recursive: true, verbatimSymlinks: true })
        await rm(one, { recursive: true })
      }
      await placeFolder(whole, folder)
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }
  await writeAtomically(newest, folder)
  return folder
}

async function programIn(folder: string, name: string): Promise<HostProgram> {
  const folders = ['usr/bin', 'usr/sbin', 'bin', 'sbin'].map((part) => join(folder, part))
  const path = await firstWith(folders, name)
  if (path === undefined) throw new CodedError({ code: 'PACKAGE_UNEXPECTED' }, `${folder} has no program ${name}`)
  const libraries = await libraryFolders(folder)
  const env = {
    ...process.env,
    PATH: [...folders, systemPath()].join(delimiter),
    LD_LIBRARY_PATH: [...libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter),
  }
  return { path, env }
}

async function firstWith(folders: readonly string[], name: string): Promise<string | undefined> {
  for (const folder of folders) if (await exists(join(folder, name))) return join(folder, name)
  return undefined
}

/** Those of each architecture: usr/lib/x86_64-linux-gnu. */
async function libraryFolders(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const part of ['usr/lib', 'lib']) {
    const names = await readdir(join(folder, part)).catch(() => [])
    found.push(...names.filter((name) => name.endsWith('-linux-gnu')).map((name) => join(folder, part, name)))
  }
  return found
}
