/** Where boot loaders keep their configurations, and the first one that is there. */
import type { BootMenu } from './boot-menu.ts'
import { readExtlinux } from './extlinux.ts'
import { readGrubConfig } from './grub-config.ts'
import { readGrubLegacy } from './grub-legacy.ts'
import type { GuestFiles } from './guest-files.ts'

const CONFIG_BYTES_MAX = 1 << 20
/** GRUB's is always of 1024 bytes. */
const ENVIRONMENT_BYTES_MAX = 64 << 10

type Read = (text: string, folder: string, environment: string) => BootMenu

const GRUB: Read = (text, _, environment) => readGrubConfig(text, environment)
const LEGACY: Read = (text) => readGrubLegacy(text)

/** In the order in which they are looked for. Without /boot: of a partition that is mounted there. */
const PLACES: readonly (readonly [path: string, read: Read])[] = [
  ['/boot/grub/grub.cfg', GRUB],
  ['/grub/grub.cfg', GRUB],
  ['/boot/grub2/grub.cfg', GRUB],
  ['/grub2/grub.cfg', GRUB],
  ['/boot/extlinux/extlinux.conf', readExtlinux],
  ['/boot/extlinux.conf', readExtlinux],
  ['/extlinux/extlinux.conf', readExtlinux],
  ['/extlinux.conf', readExtlinux],
  ['/boot/grub/menu.lst', LEGACY],
  ['/grub/menu.lst', LEGACY],
  ['/boot/grub/grub.conf', LEGACY],
  ['/grub/grub.conf', LEGACY],
]
export const CONFIG_PATHS: readonly string[] = PLACES.map(([path]) => path)

export interface FoundMenu {
  readonly path: string
  readonly menu: BootMenu
}

/** The first configuration with an entry that starts a kernel, else the first one. @throws BootError */
export async function findMenu(files: GuestFiles): Promise<FoundMenu | undefined> {
  let first: FoundMenu | undefined
  for (const [path, read] of PLACES) {
    const text = await files.read(path, CONFIG_BYTES_MAX)
    if (text === undefined) continue
    const folder = path.slice(0, path.lastIndexOf('/'))
    const environment = await files.read(`${folder}/grubenv`, ENVIRONMENT_BYTES_MAX)
    const found = { path, menu: read(text.toString(), folder, environment?.toString() ?? '') }
    if (found.menu.entries.length > 0) return found
    first ??= found
  }
  return first
}
