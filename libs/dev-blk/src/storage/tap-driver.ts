import { realpath, stat } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import type { Disk, HostPrograms, StorageDriver, StorageRequest } from '@paravane/core'
import { openRefusal } from './open-refusal.ts'
import { openByDaemon } from './qemu/open-by-daemon.ts'
import { reasonOf } from './raw-file.ts'

/** Formats of images, as disks name them and as qemu does. */
export const TAP_FORMATS: Readonly<Record<string, string>> = {
  qcow: 'qcow',
  qcow2: 'qcow2',
  vdi: 'vdi',
  vhd: 'vpc',
  vhdx: 'vhdx',
  vmdk: 'vmdk',
  vpc: 'vpc',
}

/** What stands in front of a format: blktap's names, of which Xen's tools have had three. */
export const TAP_PREFIXES = ['tap:', 'tap2:', 'tap:tapdisk:'] as const

/** `tap:qcow2:PATH` and its like: an image that qemu-storage-daemon opens. @param scheme for messages */
export function tapDriver(scheme: string, format: string, programs: HostPrograms): StorageDriver {
  return { open: (request) => openImage(scheme, format, programs, request) }
}

async function openImage(
  scheme: string,
  format: string,
  programs: HostPrograms,
  { target, readonly, shared = false }: StorageRequest,
): Promise<Disk> {
  const name = `${scheme}:${target}`
  if (!isAbsolute(target)) throw openRefusal(name, 'give its whole path, from / on')
  const about = await stat(target, { bigint: true }).catch((error: unknown) => {
    throw openRefusal(name, reasonOf(error), error)
  })
  if (!about.isFile() && !about.isBlockDevice()) throw openRefusal(name, 'it is neither a file nor a block device')
  const file = await realpath(target)
  const common = { 'read-only': readonly, discard: 'unmap' }
  const node = {
    driver: format,
    ...common,
    file: {
      driver: about.isFile() ? 'file' : 'host_device',
      filename: file,
      locking: shared ? 'off' : 'auto',
      ...common,
    },
  }
  const identity = about.isFile() ? `inode ${about.dev}:${about.ino}` : `device ${about.rdev}`
  return openByDaemon({ name, identity, readonly, shared, node, file: { path: file, stats: about } }, programs)
}
