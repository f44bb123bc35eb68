import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Apt } from '../../../apps/xend/src/guest-image/apt.ts'
import { cacheFolder } from '../../../apps/xend/src/guest-image/cache-folder.ts'
import type { CpioEntry } from '../../../apps/xend/src/guest-image/cpio-newc.ts'
import { obtainDebianGuest } from '../../../apps/xend/src/guest-image/debian-guest.ts'
import { exists } from '../../../apps/xend/src/guest-image/image-files.ts'
import { MODULE_LIST_PATH } from '../../../apps/xend/src/guest-image/init-script.ts'
import { readModules } from '../../../apps/xend/src/guest-image/kernel-modules.ts'
import { makeRamdisk } from '../bench-image.ts'
import { obtainDeviceTree } from './tree.ts'

/** Front ends of both machines, so that the guest is the same in both. */
const MODULES: readonly string[] = ['xen-blkfront', 'xen-netfront', 'virtio_pci', 'virtio_blk', 'virtio_net']

/** Debian's cloud kernel, and a ramdisk with fio, iperf3, the workload and the front ends that the kernel has as modules. */
export async function obtainDeviceGuest(
  workload: string,
  more: readonly CpioEntry[],
  progress: (line: string) => void,
): Promise<{ readonly kernel: string; readonly ramdisk: string; readonly kernelVersion: string }> {
  const { kernel, kernelVersion } = await obtainDebianGuest({ progress })
  const modules = await moduleEntries(kernelVersion, progress)
  const ramdisk = await makeRamdisk(await obtainDeviceTree(progress), workload, [...modules, ...more])
  return { kernel, ramdisk, kernelVersion }
}

async function moduleEntries(version: string, progress: (line: string) => void): Promise<CpioEntry[]> {
  const cache = cacheFolder()
  const tree = join(cache, 'bench', `linux-${version}`)
  if (!(await exists(tree))) {
    const apt = new Apt(cache, progress)
    await apt.unpack(await apt.describe(`linux-image-${version}`), tree)
  }
  const [top] = await readdir(tree).then((names) => names.filter((name) => name === 'lib' || name === 'usr'))
  const folder = join(tree, top === 'usr' ? 'usr/lib' : 'lib', 'modules', version)
  const modules = await readModules(folder, MODULES)
  const place = `lib/modules/${version}`
  return [
    { type: 'directory', path: place },
    ...modules.map(({ file, data }): CpioEntry => ({ type: 'file', path: `${place}/${file}`, data })),
    {
      type: 'file',
      path: MODULE_LIST_PATH,
      data: Buffer.from(modules.map(({ file }) => `/${place}/${file}\n`).join('')),
    },
  ]
}
