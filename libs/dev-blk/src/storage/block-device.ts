import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What sysfs says of a block device of the host: Node has no ioctl(2). */
export interface BlockDeviceFacts {
  /** `major:minor`, both in hex. */
  readonly number: string
  /** Bytes. */
  readonly size: () => Promise<number>
  /** A file of its request queue; `missing` where there is no such file. */
  readonly queue: (name: string, missing: number) => Promise<number>
}

/** @param rdev of its stat(2) */
export function blockDevice(rdev: bigint): BlockDeviceFacts {
  // makedev(3).
  const major = Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xffff_f000n))
  const minor = Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n))
  const folder = `/sys/dev/block/${major}:${minor}`
  return {
    number: `${major.toString(16)}:${minor.toString(16)}`,
    size: async () => Number(await readFile(join(folder, 'size'), 'latin1')) * 512,
    queue: async (name, missing) => {
      // A partition has its disk's.
      for (const place of ['queue', '../queue']) {
        const text = await readFile(join(folder, place, name), 'latin1').catch(() => undefined)
        if (text !== undefined) return Number(text)
      }
      return missing
    },
  }
}
