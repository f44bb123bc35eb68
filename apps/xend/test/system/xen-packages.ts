/** Debian's packages of Xen, unpacked into the cache and not installed: other people's programs for our xenstore. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Apt, type Progress } from '../../src/guest-image/apt.ts'
import { cacheFolder } from '../../src/guest-image/cache-folder.ts'

/** What xenstore's programs are linked with. */
const LIBRARIES = [
  ...['libxencall1', 'libxendevicemodel1', 'libxenevtchn1', 'libxenforeignmemory1', 'libxengnttab1', 'libxenhypfs1'],
  ...['libxenmisc4.17', 'libxenstore4', 'libxentoolcore1', 'libxentoollog1'],
]

export interface XenPackages {
  /** xenstore-read and its like. */
  readonly tools: string
  /** xenstored and xenstore-control; of the packages asked for. */
  readonly daemons: string
  /** Added to a process's variables, so that it finds Xen's libraries. */
  readonly environment: NodeJS.ProcessEnv
  /** As apt names it. */
  readonly version: string
}

/** Fetches what is not in the cache. @throws AptError */
export async function obtainXenPackages(progress: Progress): Promise<XenPackages> {
  const apt = new Apt(cacheFolder(), progress)
  const place = (name: string): string => join(cacheFolder(), 'xen', name)
  const names = ['xenstore-utils', 'xen-utils-4.17', ...LIBRARIES]
  for (const name of names) {
    if (!existsSync(place(name))) await apt.unpack(await apt.describe(name), place(name))
  }
  const folders = LIBRARIES.map((name) => join(place(name), 'usr/lib/x86_64-linux-gnu'))
  return {
    tools: join(place('xenstore-utils'), 'usr/bin'),
    daemons: join(place('xen-utils-4.17'), 'usr/lib/xen-4.17/bin'),
    environment: { LD_LIBRARY_PATH: folders.join(':') },
    version: (await apt.describe('xen-utils-4.17')).version,
  }
}
