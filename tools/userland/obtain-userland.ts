import { obtainDebianGuest } from '../../apps/xend/src/guest-image/debian-guest.ts'
import { obtainTree } from './debian-tree.ts'
import { EXCLUDED_BY_DPKG, FINISH, PACKAGES } from './recipe.ts'

export interface Userland {
  /** Path of Debian's unmodified cloud kernel. */
  readonly kernel: string
  /** Path of the initramfs, a newc archive that is not packed. */
  readonly ramdisk: string
}

/** Makes it where it is missing. @throws Error what apt or mmdebstrap said */
export async function obtainUserland(progress: (line: string) => void): Promise<Userland> {
  const { kernel } = await obtainDebianGuest({ progress })
  const ramdisk = await obtainTree(
    {
      name: 'userland',
      architectures: ['amd64', 'i386'],
      packages: PACKAGES,
      excluded: EXCLUDED_BY_DPKG,
      finish: FINISH,
    },
    progress,
  )
  return { kernel, ramdisk }
}

if (import.meta.main) {
  console.log(JSON.stringify(await obtainUserland((line) => process.stderr.write(`userland: ${line}\n`))))
}
