import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { Apt } from '../../apps/xend/src/guest-image/apt.ts'
import { cacheFolder } from '../../apps/xend/src/guest-image/cache-folder.ts'
import { exists } from '../../apps/xend/src/guest-image/image-files.ts'
import { openKernelFile } from '../../libs/core/src/builder/kernel-file.ts'

const MODULES = ['memdisk', 'tar', 'normal', 'linux', 'echo', 'gzio', 'halt'] as const
const CONFIG = `set timeout=0
linux /vmlinux.gz console=hvc0
initrd /initrd.gz
boot
`

/**
 * Makes a GRUB kernel for PV domains that loads `kernel` and `ramdisk` from within itself and starts them in the domain.
 * @param folder for the image, which is this function's alone
 * @returns path of the image
 * @throws CodedError of apt's; Error if grub-mkimage fails
 */
export async function makeGrubLoader(
  folder: string,
  { kernel, ramdisk }: { readonly kernel: string; readonly ramdisk: string },
  progress: (line: string) => void,
): Promise<string> {
  const cache = cacheFolder()
  const apt = new Apt(cache, progress)
  const unpacked: Record<string, string> = {}
  for (const name of ['grub-common', 'grub-xen-bin']) {
    const wanted = await apt.describe(name)
    const files = join(cache, 'tools', `${name}_${wanted.version}`)
    if (!(await exists(files))) await apt.unpack(wanted, files)
    unpacked[name] = files
  }
  const disk = join(folder, 'disk')
  await mkdir(join(disk, 'grub'), { recursive: true })
  await writeFile(join(disk, 'grub/grub.cfg'), CONFIG)
  // GRUB unpacks gzip only, and Debian packs its kernels otherwise.
  const { bytes } = openKernelFile(await readFile(kernel), kernel)
  await writeFile(join(disk, 'vmlinux.gz'), gzipSync(bytes, { level: 1 }))
  await writeFile(join(disk, 'initrd.gz'), await readFile(ramdisk))
  const [archive, image] = [join(folder, 'disk.tar'), join(folder, 'grub.bin')]
  const run = promisify(execFile)
  await run('tar', ['-C', disk, '-cf', archive, '.'])
  const from = ['-d', join(unpacked['grub-xen-bin'], 'usr/lib/grub/x86_64-xen'), '-O', 'x86_64-xen']
  const to = ['-m', archive, '-p', '(memdisk)/grub', '-o', image]
  await run(join(unpacked['grub-common'], 'usr/bin/grub-mkimage'), [...from, ...to, ...MODULES])
  return image
}
