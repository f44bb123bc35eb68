import { readdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { firstProgram, type HostProgram, systemPath } from './installed-program.ts'

const PROGRAM_FOLDERS = ['usr/bin', 'usr/sbin', 'bin', 'sbin'] as const
const LIBRARY_FOLDERS = ['usr/lib', 'lib'] as const

/**
 * A program of Debian's packages that were unpacked and not installed, with their libraries.
 * @param packages folders, each with the files of a package and perhaps of what that needs; no colon is in their names
 */
export async function unpackedProgram(packages: readonly string[], name: string): Promise<HostProgram | undefined> {
  const folders = packages.flatMap((each) => PROGRAM_FOLDERS.map((folder) => join(each, folder)))
  const path = await firstProgram(folders.map((folder) => join(folder, name)))
  if (path === undefined) return undefined
  const libraries = (await Promise.all(packages.map(librariesOf))).flat()
  const modules = (await Promise.all(libraries.map(qemuModules))).find((folder) => folder !== undefined)
  const environment = {
    // What is installed comes first for what it starts, too.
    PATH: [systemPath(), ...folders].join(delimiter),
    LD_LIBRARY_PATH: [...libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter),
    ...(modules === undefined ? {} : { QEMU_MODULE_DIR: modules }),
  }
  return { path, environment }
}

/** Those of each architecture: usr/lib/x86_64-linux-gnu. */
async function librariesOf(folder: string): Promise<string[]> {
  const found = LIBRARY_FOLDERS.map(async (part) => {
    const names = await readdir(join(folder, part)).catch(() => [])
    return names.filter((name) => name.endsWith('-linux-gnu')).map((name) => join(folder, part, name))
  })
  return (await Promise.all(found)).flat()
}

/** QEMU looks for its block drivers where it would be installed, and nowhere else unless it is told. */
async function qemuModules(libraries: string): Promise<string | undefined> {
  const folder = join(libraries, 'qemu')
  return readdir(folder).then(
    () => folder,
    () => undefined,
  )
}
