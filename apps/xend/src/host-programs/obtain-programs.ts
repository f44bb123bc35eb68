/** Programs of others that Paravane calls, out of Debian's packages: unpacked into the cache, none is installed. */
import type { Progress } from '../guest-image/apt.ts'
import { cacheFolder } from '../guest-image/cache-folder.ts'
import { obtainPackage, programsFolder } from '../guest-image/host-program.ts'

interface ProgramPackages {
  readonly packages: readonly string[]
  /** Of these a module is wanted, and not what the rest of the package needs. */
  readonly alone?: readonly string[]
}

/** What is fetched for a program, by the program's name. */
export const PROGRAM_PACKAGES = {
  'qemu-storage-daemon': { packages: ['qemu-system-common', 'qemu-utils', 'libiscsi7'], alone: ['qemu-block-extra'] },
  lvm: { packages: ['lvm2'] },
  tgtd: { packages: ['tgt'] },
} as const satisfies Readonly<Record<string, ProgramPackages>>
export type ObtainableProgram = keyof typeof PROGRAM_PACKAGES

/** Fetches what is not there yet. @returns the folder that `HostPrograms` takes @throws AptError */
export async function obtainPrograms(
  programs: readonly ObtainableProgram[],
  progress: Progress,
  cache: string = cacheFolder(),
): Promise<string> {
  for (const program of programs) {
    const { packages, alone = [] }: ProgramPackages = PROGRAM_PACKAGES[program]
    for (const name of packages) await obtainPackage(name, progress, cache)
    for (const name of alone) await obtainPackage(name, progress, cache, async () => [name])
  }
  return programsFolder(cache)
}
