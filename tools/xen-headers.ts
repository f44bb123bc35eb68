/**
 * Xen's public C headers, for the test that compares our ABI declarations with them: Debian's libxen-dev, unpacked into
 * the cache and not installed.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Apt } from '../apps/xend/src/guest-image/apt.ts'
import { cacheFolder } from '../apps/xend/src/guest-image/cache-folder.ts'

const PACKAGE = 'libxen-dev'

/** The folder that stands for `/usr/include/xen`, whether or not it is there. */
export function xenHeaderFolder(): string {
  return join(cacheFolder(), PACKAGE, 'usr/include/xen')
}

/** Fetches the headers if they are not in the cache. Throws a CodedError where the host has no apt. */
export async function obtainXenHeaders(): Promise<string> {
  const folder = xenHeaderFolder()
  if (!existsSync(folder)) {
    const apt = new Apt(cacheFolder(), (line) => process.stderr.write(`headers: ${line}\n`))
    await apt.unpack(await apt.describe(PACKAGE), join(cacheFolder(), PACKAGE))
  }
  return folder
}

if (import.meta.main) console.log(await obtainXenHeaders())
