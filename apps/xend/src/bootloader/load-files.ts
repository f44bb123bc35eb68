/** From a disk to a kernel and its ramdisk in a folder. Runs in a thread of its own, as a guest's disk can keep it busy for ever. */
import { join } from 'node:path'
import type { DiskReader } from '../disk-image/disk-reader.ts'
import { isExt, recogniseFileSystem } from '../disk-image/file-system.ts'
import { readPartitionTable } from '../disk-image/partitions.ts'
import { BootError } from './boot-error.ts'
import { type BootEntry, chooseEntry, plain } from './boot-menu.ts'
import { CONFIG_PATHS, findMenu } from './find-menu.ts'
import { GuestFiles } from './guest-files.ts'

export interface LoadRequest {
  /** Number, title or id; without it the configuration's default. */
  readonly entry?: string
  /** Paths on the guest's disk, instead of those of its configuration. */
  readonly kernel?: string
  readonly ramdisk?: string
  /** Where the files go. */
  readonly folder: string
}

export interface LoadedFiles {
  readonly kernel: string
  readonly ramdisk?: string
  /** As the configuration has it. */
  readonly cmdline: string
  /** Of the entry; undefined where a kernel was asked for by its path. */
  readonly title?: string
}

const KERNEL_BYTES_MAX = 256 << 20
const RAMDISK_BYTES_MAX = 1 << 30

/** A file system that can be read, and what it is called in messages. */
interface Place {
  readonly name: string
  readonly files: GuestFiles
}

/** @throws BootError that says what was looked for and where */
export async function loadFiles(disk: DiskReader, request: LoadRequest): Promise<LoadedFiles> {
  const { places, others } = await openPlaces(disk)
  if (request.kernel !== undefined) {
    const { kernel, ramdisk } = request
    return {
      ...(await copyFiles(places, { kernel, ramdisks: ramdisk === undefined ? [] : [ramdisk] }, request)),
      cmdline: '',
    }
  }
  let empty: string | undefined
  for (const place of places) {
    const found = await findMenu(place.files)
    if (found === undefined) continue
    const where = `${found.path} of ${place.name}`
    if (found.menu.entries.length === 0) {
      empty ??= where
      continue
    }
    const entry = chooseEntry(found.menu, request.entry, where)
    const ramdisks = request.ramdisk === undefined ? entry.ramdisks : [request.ramdisk]
    const ordered = [place, ...places.filter((other) => other !== place)]
    const { cmdline, title } = entry
    return { ...(await copyFiles(ordered, { kernel: entry.kernel, ramdisks }, request)), cmdline, title: plain(title) }
  }
  if (empty !== undefined) {
    throw new BootError(
      'BOOT_NO_KERNEL',
      `${empty} starts no kernel: it has no entry with one; name the kernel: bootargs = '--kernel=PATH'`,
    )
  }
  const looked =
    places.length === 0 ? 'no ext2, ext3 or ext4 file system' : `no ${CONFIG_PATHS.join(', ')} in ${names(places)}`
  const also = others.length === 0 ? '' : ` (there is ${others.join(', ')})`
  throw new BootError('BOOT_NO_KERNEL', `nothing to boot is there: ${looked}${also}`)
}

async function openPlaces(disk: DiskReader): Promise<{ places: Place[]; others: string[] }> {
  const table = await readPartitionTable(disk)
  const whole = { number: 0, offset: 0, size: disk.size, active: false }
  const candidates = (table?.partitions ?? [whole]).toSorted((a, b) => Number(b.active) - Number(a.active))
  const places: Place[] = []
  const others: string[] = []
  let fault: unknown
  for (const { number, offset, size } of candidates) {
    const name = number === 0 ? 'the disk' : `partition ${number}`
    const found = await recogniseFileSystem(disk, offset)
    if (!isExt(found)) others.push(`${name}: ${found?.kind ?? 'nothing known'}`)
    else {
      await GuestFiles.open(disk, offset, size).then(
        (files) => places.push({ name, files }),
        (error: Error) => {
          fault ??= new BootError('BOOT_DISK', `${name}: ${error.message}`, { cause: error })
        },
      )
    }
  }
  if (places.length === 0 && fault !== undefined) throw fault
  return { places, others }
}

async function copyFiles(
  places: readonly Place[],
  { kernel, ramdisks }: Pick<BootEntry, 'kernel' | 'ramdisks'>,
  { folder }: LoadRequest,
): Promise<Pick<LoadedFiles, 'kernel' | 'ramdisk'>> {
  const to = { kernel: join(folder, nameOf(kernel)), ramdisk: join(folder, 'ramdisk') }
  await copy(places, kernel, KERNEL_BYTES_MAX, to.kernel)
  for (const path of ramdisks) await copy(places, path, RAMDISK_BYTES_MAX, to.ramdisk)
  return ramdisks.length === 0 ? { kernel: to.kernel } : to
}

async function copy(places: readonly Place[], wanted: string, limit: number, to: string): Promise<void> {
  // GRUB's (hd0,1) or what it is set to by `search`: the file system is found by trying.
  const path = wanted.replace(/^\([^)]*\)/, '')
  for (const { files } of places) if (await files.append(path, limit, to)) return
  throw new BootError(
    'BOOT_NO_KERNEL',
    `there is no ${plain(path)} in ${names(places)}; choose another entry by bootargs = '--entry=N'`,
  )
}

const names = (places: readonly Place[]): string => places.map(({ name }) => name).join(', ')

/** Messages about the kernel will call it so. */
function nameOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/[^\w.+-]/g, '_')
  return `kernel-${name.slice(0, 100)}`
}
