/** `npm start`: boots a paravirtual guest on this terminal. So far it gets as far as the guest's files. */
import { parseArgs } from 'node:util'
import { CodedError } from '@paravane/core'
import { type GuestFiles, guestFiles } from './guest-image/guest-files.ts'

const USAGE = `usage: npm start -- [--kernel FILE --ramdisk FILE] [--refresh]
  --kernel FILE, --ramdisk FILE   boot these in place of Debian's cloud kernel and a busybox ramdisk
  --refresh                       ask apt for newer packages`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kernel: { type: 'string' },
      ramdisk: { type: 'string' },
      refresh: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) {
    console.log(USAGE)
    return
  }
  const { kernel, ramdisk }: GuestFiles = await guestFiles(values)
  throw new CodedError(
    { code: 'NOT_YET' },
    `this version of Paravane cannot boot a guest yet; it would boot ${kernel} with ${ramdisk}`,
  )
}

try {
  await main()
} catch (error) {
  const expected = error instanceof CodedError || (error instanceof TypeError && 'code' in error)
  console.error(expected ? `xend: ${error.message}` : error)
  process.exitCode = 1
}
