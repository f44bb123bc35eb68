/** The arguments of pygrub that a config's `bootargs` has, as far as they make sense without a menu on the screen. */
import { parseArgs } from 'node:util'
import { splitWords } from '../xm/split-words.ts'
import { BootError } from './boot-error.ts'

export interface BootArguments {
  readonly entry?: string
  readonly kernel?: string
  readonly ramdisk?: string
  /** Added to the kernel's command line. */
  readonly args?: string
}

/** @throws BootError `BOOT_ARGUMENT` */
export function readBootArguments(text: string): BootArguments {
  try {
    const { values } = parseArgs({
      args: [...splitWords(text)],
      options: {
        entry: { type: 'string' },
        kernel: { type: 'string' },
        ramdisk: { type: 'string' },
        args: { type: 'string' },
        quiet: { type: 'boolean', short: 'q' },
      },
    })
    const { entry, kernel, ramdisk, args } = values
    return { entry, kernel, ramdisk, args }
  } catch (cause) {
    const why = (cause as Error).message.split(/[.;]/)[0]
    const known = '--entry=N or title, --kernel=PATH, --ramdisk=PATH, --args=TEXT and -q'
    throw new BootError('BOOT_ARGUMENT', `${why}; pygrub's ${known} are known`, { cause })
  }
}
