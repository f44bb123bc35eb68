import { basename, join } from 'node:path'
import { cacheFolder } from '../../../apps/xend/src/guest-image/cache-folder.ts'
import { obtainTree } from '../../userland/debian-tree.ts'
import { programTree } from '../programs/tree.ts'
import { unpackTree } from '../programs/unpack-tree.ts'

const PACKAGES: readonly string[] = ['busybox-static', 'e2fsprogs', 'fio', 'iperf3']
/** Large, and used by none of them. */
const REMOVED: readonly string[] = [
  'usr/lib/x86_64-linux-gnu/gconv',
  'usr/lib/x86_64-linux-gnu/perl',
  'usr/lib/locale',
  'usr/share/perl',
  'usr/share/fio',
  'var/cache/apt/*',
  'var/lib/apt/lists/*',
]

/** Path of an initramfs with the programs, a newc archive that is not packed; its /init is that of `npm start`'s guest. */
export function obtainDeviceTree(progress: (line: string) => void): Promise<string> {
  return obtainTree(programTree('devices', PACKAGES, REMOVED), progress)
}

/** Path of a folder with the same files, for this machine. */
export async function obtainDeviceFolder(progress: (line: string) => void): Promise<string> {
  const archive = await obtainDeviceTree(progress)
  const folder = join(cacheFolder(), 'bench', basename(archive, '.cpio'))
  await unpackTree(archive, folder)
  return folder
}

if (import.meta.main) console.log(await obtainDeviceTree((line) => process.stderr.write(`bench: ${line}\n`)))
