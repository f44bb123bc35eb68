import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CodedError } from '@paravane/core'
import { Apt, type AptPackage, type Progress } from './apt.ts'
import { cacheFolder } from './cache-folder.ts'
import { exists, firstPresent, placeFolder, unexpectedPackage, writeAtomically } from './image-files.ts'
import { INIT_SCRIPT } from './init-script.ts'
import { buildInitramfs } from './initramfs.ts'
import { readModules } from './kernel-modules.ts'

/** Kernels that Debian builds. A metapackage depends on the newest of its kind, so its name is the one to ask for. */
const FLAVOURS = {
  cloud: { metapackage: 'linux-image-cloud-amd64', kernel: /^linux-image-\d.*-cloud-amd64$/ },
  standard: { metapackage: 'linux-image-amd64', kernel: /^linux-image-\d[^-]*(-\d+)?-amd64$/ },
} as const
export type DebianFlavour = keyof typeof FLAVOURS
const SHELL_PACKAGE = 'busybox-static'
const DEFAULT_MODULES = ['xen-blkfront', 'xen-netfront'] as const
/** Goes up when the images below would differ for another reason than packages, modules or /init. */
const IMAGE_FORMAT = 2

export interface DebianGuestOptions {
  /** Where packages and images are kept; that of `cacheFolder()` by default. */
  readonly cache?: string
  /** Ask apt for newer packages, even where an image is in the cache. */
  readonly refresh?: boolean
  /** Which of Debian's kernels; `cloud` by default, `standard` is the one a machine gets. */
  readonly flavour?: DebianFlavour
  /** Kernel modules /init inserts, besides those they depend on; the Xen block and network frontends by default. */
  readonly modules?: readonly string[]
  /** Called with a line before each long step; written to stderr by default. */
  readonly progress?: Progress
}

/** A kernel and the ramdisk made for it. */
export interface DebianGuest {
  /** Path of Debian's unmodified `vmlinuz`, a bzImage. */
  readonly kernel: string
  /** Path of a gzipped initramfs with busybox and the modules. */
  readonly ramdisk: string
  /** As in `uname -r`. */
  readonly kernelVersion: string
}

/**
 * Debian's own kernel and a busybox ramdisk for it. Packages come through the host's apt and nothing is
 * installed. An image once made is used again without asking apt; {@link DebianGuestOptions.refresh} asks.
 *
 * @throws CodedError `APT_MISSING`, `APT_FAILED`, `MODULE_MISSING`, `XZ_FAILED` or `PACKAGE_UNEXPECTED`
 */
export async function obtainDebianGuest(options: DebianGuestOptions = {}): Promise<DebianGuest> {
  const cache = options.cache ?? cacheFolder()
  const progress = options.progress ?? ((line: string) => process.stderr.write(`guest: ${line}\n`))
  const modules = options.modules ?? DEFAULT_MODULES
  const flavour = options.flavour ?? 'cloud'
  const recipe = createHash('sha256')
    .update(JSON.stringify([IMAGE_FORMAT, INIT_SCRIPT, modules, flavour]))
    .digest('hex')
  const images = join(cache, 'guests')
  const newest = join(images, `newest-${recipe.slice(0, 12)}.json`)
  const known = options.refresh ? undefined : await readGuest(newest)
  if (known) return known

  try {
    const apt = new Apt(cache, progress)
    const { metapackage, kernel } = FLAVOURS[flavour]
    const { depends } = await apt.describe(metapackage)
    const kernelName = depends.find((name) => kernel.test(name))
    if (kernelName === undefined) throw unexpectedPackage(metapackage, 'it depends on no kernel package')
    const packages = { kernel: await apt.describe(kernelName), shell: await apt.describe(SHELL_PACKAGE) }
    const key = createHash('sha256')
      .update(JSON.stringify([recipe, packages.shell.version]))
      .digest('hex')
      .slice(0, 12)
    const folder = join(images, `${kernelName.slice('linux-image-'.length)}_${packages.kernel.version}-${key}`)
    const guest =
      (await readGuest(join(folder, 'guest.json'))) ?? (await make(apt, packages, modules, folder, progress))
    await writeAtomically(newest, JSON.stringify(guest))
    return guest
  } catch (error) {
    if (error instanceof CodedError && (error.code === 'APT_MISSING' || error.code === 'APT_FAILED')) {
      const remedy =
        "give a Linux PV kernel and a ramdisk of your own: --kernel FILE --ramdisk FILE (Debian's vmlinuz serves)"
      throw new CodedError(error.details, `${error.message}; ${remedy}`, { cause: error })
    }
    throw error
  }
}

async function make(
  apt: Apt,
  packages: { kernel: AptPackage; shell: AptPackage },
  modules: readonly string[],
  folder: string,
  progress: Progress,
): Promise<DebianGuest> {
  await mkdir(join(folder, '..'), { recursive: true })
  const scratch = await mkdtemp(`${folder}.making-`)
  try {
    const kernelFiles = join(scratch, 'kernel')
    const shellFiles = join(scratch, 'shell')
    await apt.unpack(packages.kernel, kernelFiles)
    await apt.unpack(packages.shell, shellFiles)
    progress('making the ramdisk ...')
    const kernelFile = (await readdir(join(kernelFiles, 'boot'))).find((file) => file.startsWith('vmlinuz-'))
    if (kernelFile === undefined) throw unexpectedPackage(packages.kernel.name, 'it has no /boot/vmlinuz-*')
    const kernelVersion = kernelFile.slice('vmlinuz-'.length)
    const moduleFolder = await firstPresent(kernelFiles, [
      `lib/modules/${kernelVersion}`,
      `usr/lib/modules/${kernelVersion}`,
    ])
    const busybox = await firstPresent(shellFiles, ['bin/busybox', 'usr/bin/busybox'])
    const ramdisk = buildInitramfs({
      busybox: await readFile(busybox),
      applets: await listApplets(busybox),
      kernelVersion,
      modules: await readModules(moduleFolder, modules),
    })

    const done = join(scratch, 'done')
    await mkdir(done)
    await copyFile(join(kernelFiles, 'boot', kernelFile), join(done, 'vmlinuz'))
    await writeFile(join(done, 'initrd.gz'), ramdisk)
    const guest: DebianGuest = { kernel: join(folder, 'vmlinuz'), ramdisk: join(folder, 'initrd.gz'), kernelVersion }
    await writeFile(join(done, 'guest.json'), JSON.stringify(guest))
    await placeFolder(done, folder)
    return guest
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** The applets a busybox names; none where this host cannot run it, and then /init makes their links. */
async function listApplets(busybox: string): Promise<string[]> {
  return promisify(execFile)(busybox, ['--list']).then(
    ({ stdout }) => stdout.split('\n').filter((name) => name !== ''),
    () => [],
  )
}

/** The guest a record names; undefined unless the record and both its files are there. */
async function readGuest(record: string): Promise<DebianGuest | undefined> {
  if (!(await exists(record))) return undefined
  const guest: DebianGuest = JSON.parse(await readFile(record, 'utf8'))
  return (await exists(guest.kernel)) && (await exists(guest.ramdisk)) ? guest : undefined
}
