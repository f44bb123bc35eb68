import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { cacheFolder } from '../../apps/xend/src/guest-image/cache-folder.ts'
import { writeCpio } from '../../apps/xend/src/guest-image/cpio-newc.ts'
import { obtainDebianGuest } from '../../apps/xend/src/guest-image/debian-guest.ts'
import { exists } from '../../apps/xend/src/guest-image/image-files.ts'

/** Where the workload is in the guest. */
export const WORKLOAD = '/bench/workload'

export interface BenchImage {
  /** Debian's unmodified cloud kernel. */
  readonly kernel: string
  /** The ramdisk of `npm start`, and after it an archive with the workload. */
  readonly ramdisk: string
  readonly kernelVersion: string
}

/** Makes it in the cache: Linux unpacks one archive after the other. */
export async function makeBenchImage(workload: string, progress: (line: string) => void): Promise<BenchImage> {
  const guest = await obtainDebianGuest({ progress })
  const added = writeCpio([
    { type: 'directory', path: 'bench' },
    { type: 'file', path: WORKLOAD.slice(1), mode: 0o755, data: await readFile(workload) },
  ])
  const bytes = Buffer.concat([await readFile(guest.ramdisk), gzipSync(added)])
  const folder = join(cacheFolder(), 'bench')
  const ramdisk = join(folder, `initrd-${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}.gz`)
  if (!(await exists(ramdisk))) {
    await mkdir(folder, { recursive: true })
    await writeFile(`${ramdisk}.${process.pid}`, bytes)
    await rename(`${ramdisk}.${process.pid}`, ramdisk)
  }
  return { ...guest, ramdisk }
}
