/** Programs of the host: those that are installed, else Debian's in the cache, which installs nothing. */
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError, type HostProgram, installedProgram, unpackedProgram } from '@paravane/core'
import { Apt, type Progress } from './apt.ts'
import { cacheFolder } from './cache-folder.ts'
import { exists, placeFolder, writeAtomically } from './image-files.ts'

/** @throws CodedError `PROGRAM_MISSING` that names the package */
export async function requireProgram(name: string, debianPackage: string): Promise<HostProgram> {
  const installed = await installedProgram(name)
  if (installed !== undefined) return installed
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
  const installed = await installedProgram(name)
  if (installed !== undefined) return installed
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
  const found = await unpackedProgram([folder], name)
  if (found !== undefined) return found
  throw new CodedError({ code: 'PACKAGE_UNEXPECTED' }, `${folder} has no program ${name}`)
}
