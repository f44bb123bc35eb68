/** A guest that is started from its own disk: `bootloader` and what belongs to it. */
import { isPygrub } from '../bootloader/run-boot-loader.ts'
import type { KeyType } from './key-types.ts'

export interface BootConfig {
  /** As it is named. */
  readonly loader: string
  readonly args?: string
  readonly entry?: string
  /** Paths on the guest's disk, in place of those that its own configuration names. */
  readonly kernel?: string
  readonly ramdisk?: string
}

/** An empty text is none. */
export const BOOT_LOADER: KeyType<string> = {
  expected: "'pygrub', or a path that ends so: no other boot loader is known",
  read: (value) => {
    if (value === '' || value === 0 || value === false) return ''
    return typeof value === 'string' && isPygrub(value) ? value : undefined
  },
}
