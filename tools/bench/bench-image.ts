import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { cacheFolder } from '../../apps/xend/src/guest-image/cache-folder.ts'
import { type CpioEntry, writeCpio } from '../../apps/xend/src/guest-image/cpio-newc.ts'
import { exists } from '../../apps/xend/src/guest-image/image-files.ts'

/** Where the workload is in the guest. */
export const WORKLOAD = '/bench/workload'

/**
 * A ramdisk in the cache: that at `base`, and after it an archive with the workload at {@link WORKLOAD} and `more`. Linux unpacks
 * one archive after the other.
 */
export async function makeRamdisk(base: string, workload: string, more: readonly CpioEntry[] = []): Promise<string> {
  const added = gzipSync(
    writeCpio([
      { type: 'directory', path: 'bench' },
      { type: 'file', path: WORKLOAD.slice(1), mode: 0o755, data: await readFile(workload) },
      ...more,
    ]),
  )
  const folder = join(cacheFolder(), 'bench')
  const ramdisk = join(folder, `initrd-${createHash('sha256').update(base).update(added).digest('hex').slice(0, 12)}`)
  if (!(await exists(ramdisk))) {
    await mkdir(folder, { recursive: true })
    await writeFile(`${ramdisk}.${process.pid}`, Buffer.concat([await readFile(base), added]))
    await rename(`${ramdisk}.${process.pid}`, ramdisk)
  }
  return ramdisk
}
