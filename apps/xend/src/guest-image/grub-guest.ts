import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Apt, type Progress } from './apt.ts'
import { cacheFolder } from './cache-folder.ts'
import { exists, firstPresent, writeAtomically } from './image-files.ts'

/** Holds GRUB built as a kernel for Xen's PV domains. */
const PACKAGE = 'grub-xen-host'
const KERNEL = 'usr/lib/grub-xen/grub-x86_64-xen.bin'

export interface GrubGuestOptions {
  /** Where it is kept; {@link cacheFolder} by default. */
  readonly cache?: string
  /** Ask apt for a newer package, even where one is in the cache. */
  readonly refresh?: boolean
  /** Called with a line before each long step. */
  readonly progress: Progress
}

/**
 * Debian's unmodified GRUB for PV domains: a kernel that is not Linux. Found in the cache without asking apt, once it is there.
 * @throws CodedError `APT_MISSING`, `APT_FAILED` or `PACKAGE_UNEXPECTED`
 */
export async function obtainGrubGuest(options: GrubGuestOptions): Promise<{ readonly kernel: string }> {
  const { progress, refresh = false, cache = cacheFolder() } = options
  const images = join(cache, 'guests')
  const newest = join(images, 'newest-grub')
  if (!refresh && (await exists(newest))) {
    const kernel = await readFile(newest, 'utf8')
    if (await exists(kernel)) return { kernel }
  }
  const apt = new Apt(cache, progress)
  const wanted = await apt.describe(PACKAGE)
  const kernel = join(images, `grub-x86_64-xen_${wanted.version}.bin`)
  if (!(await exists(kernel))) {
    await mkdir(images, { recursive: true })
    const scratch = await mkdtemp(join(images, 'grub.making-'))
    try {
      const files = join(scratch, 'files')
      await apt.unpack(wanted, files)
      const draft = join(scratch, 'grub.bin')
      await copyFile(await firstPresent(files, [KERNEL]), draft)
      await rename(draft, kernel)
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }
  await writeAtomically(newest, kernel)
  return { kernel }
}
