/** The disk of `npm start -- --guest debian-disk`: a Debian of its own for each name, made when it is first wanted. */
import { join } from 'node:path'
import { makeDebianDisk } from '../disk-image/debian/disk.ts'
import { DEFAULT_RELEASE } from '../disk-image/debian/tree.ts'
import { lineProgress } from '../disk-image/progress.ts'
import { folders, imagesFolder } from '../folders.ts'
import { exists } from '../guest-image/image-files.ts'
import type { MakeOptions } from './guests.ts'

const SIZE = 4 * 2 ** 30

/** @returns an item of `disk=` @throws CodedError */
export async function makeDebianGuestDisk(name: string, { progress }: Pick<MakeOptions, 'progress'>): Promise<string> {
  const path = join(imagesFolder(folders()), `${name}.img`)
  if (!(await exists(path))) {
    progress(`making the disk ${path}; it stays, with all that the guest writes ...`)
    const made = await makeDebianDisk(
      {
        ...{ path, format: 'raw', size: SIZE, release: DEFAULT_RELEASE, packages: [] },
        ...{
          hostname:
            name
              .replace(/[^A-Za-z0-9-]/g, '-')
              .replace(/^-+|-+$/g, '')
              .slice(0, 63) || 'debian',
        },
        ...{ login: 'debian', password: '', refresh: false },
      },
      lineProgress(progress),
    )
    progress(
      made.keys === 0
        ? 'nobody is let in by SSH, as you have no ~/.ssh/*.pub'
        : 'you are let in by SSH as root and debian',
    )
    progress('on the console root logs in without a password')
  }
  return `file:${path},xvda,w`
}
