import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CpioEntry } from '../../../apps/xend/src/guest-image/cpio-newc.ts'
import { obtainDebianGuest } from '../../../apps/xend/src/guest-image/debian-guest.ts'
import { makeRamdisk } from '../bench-image.ts'
import { obtainDeviceFolder } from './tree.ts'

const PROGRAMS = ['mke2fs', 'e2fsck'] as const
const LIBRARIES = [
  'libext2fs.so.2',
  'libcom_err.so.2',
  'libblkid.so.1',
  'libuuid.so.1',
  'libe2p.so.2',
  'libc.so.6',
] as const
const LOADER = 'ld-linux-x86-64.so.2'

/** Debian's cloud kernel with busybox, the workload, mke2fs and e2fsck: a ramdisk that is unpacked in no time. */
export async function obtainExt4Guest(
  workload: string,
  more: readonly CpioEntry[],
  progress: (line: string) => void,
): Promise<{ readonly kernel: string; readonly ramdisk: string }> {
  const { kernel, ramdisk } = await obtainDebianGuest({ progress })
  const tree = await obtainDeviceFolder(progress)
  const libraries = join(tree, 'usr/lib/x86_64-linux-gnu')
  const file = async (path: string, from: string): Promise<CpioEntry> => ({
    type: 'file',
    path,
    mode: 0o755,
    data: await readFile(from),
  })
  const entries: CpioEntry[] = [
    { type: 'directory', path: 'lib64' },
    await file(`lib64/${LOADER}`, join(libraries, LOADER)),
    ...(await Promise.all(LIBRARIES.map((name) => file(`lib/${name}`, join(libraries, name))))),
    ...(await Promise.all(PROGRAMS.map((name) => file(`sbin/${name}`, join(tree, 'usr/sbin', name))))),
    ...more,
  ]
  return { kernel, ramdisk: await makeRamdisk(ramdisk, workload, entries) }
}
