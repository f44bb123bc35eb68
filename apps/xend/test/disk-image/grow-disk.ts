/** Another process that would grow a disk: says why it could not. */
import { lineProgress } from '../../src/disk-image/progress.ts'
import { growDisk } from '../../src/disk-image/resize.ts'

const [, , path = ''] = process.argv
await growDisk(
  path,
  2 ** 30,
  lineProgress(() => {}),
).catch((error: Error) => process.stdout.write(error.message))
