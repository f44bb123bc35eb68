/**
 * Writes a cpio archive in the `newc` format, the one Linux unpacks as its initramfs (the kernel's
 * Documentation/driver-api/early-userspace/buffer-format.rst). The same entries always give the same bytes: times are
 * 0, owners are root, inode numbers count from 1.
 */

/** One entry. `path` has no leading slash; a directory comes before what is in it. `mode` is the permission bits. */
export type CpioEntry =
  | { readonly type: 'directory'; readonly path: string; readonly mode?: number }
  | { readonly type: 'file'; readonly path: string; readonly mode?: number; readonly data: Uint8Array }
  | { readonly type: 'symlink'; readonly path: string; readonly target: string }
  | { readonly type: 'character-device'; readonly path: string; readonly mode?: number; readonly device: DeviceNumber }

export interface DeviceNumber {
  readonly major: number
  readonly minor: number
}

const S_IFCHR = 0o020000
const S_IFDIR = 0o040000
const S_IFREG = 0o100000
const S_IFLNK = 0o120000

const MAGIC = '070701'
const TRAILER = 'TRAILER!!!'
/** Archives end on a multiple of this, as cpio itself writes them. */
const BLOCK_BYTES = 512

const NO_DEVICE: DeviceNumber = { major: 0, minor: 0 }
const NO_DATA = new Uint8Array(0)

export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (const [index, entry] of entries.entries()) {
    const { mode, data, device } = inode(entry)
    parts.push(...record(entry.path, { ino: index + 1, mode, links: entry.type === 'directory' ? 2 : 1, data, device }))
  }
  parts.push(...record(TRAILER, { ino: 0, mode: 0, links: 1, data: NO_DATA, device: NO_DEVICE }))
  const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0)
  parts.push(padding(bytes, BLOCK_BYTES))
  return Buffer.concat(parts)
}

interface Inode {
  readonly mode: number
  readonly data: Uint8Array
  readonly device: DeviceNumber
}

function inode(entry: CpioEntry): Inode {
  switch (entry.type) {
    case 'directory':
      return { mode: S_IFDIR | (entry.mode ?? 0o755), data: NO_DATA, device: NO_DEVICE }
    case 'file':
      return { mode: S_IFREG | (entry.mode ?? 0o644), data: entry.data, device: NO_DEVICE }
    case 'symlink':
      return { mode: S_IFLNK | 0o777, data: Buffer.from(entry.target), device: NO_DEVICE }
    case 'character-device':
      return { mode: S_IFCHR | (entry.mode ?? 0o600), data: NO_DATA, device: entry.device }
  }
}

function record(path: string, node: Inode & { ino: number; links: number }): Uint8Array[] {
  const name = Buffer.from(`${path}\0`)
  const { major, minor } = node.device
  // c_ino c_mode c_uid c_gid c_nlink c_mtime c_filesize c_devmajor c_devminor c_rdevmajor c_rdevminor c_namesize c_check
  const fields = [
    node.ino,
    node.mode,
    0,
    0,
    node.links,
    0,
    node.data.byteLength,
    0,
    0,
    major,
    minor,
    name.byteLength,
    0,
  ]
  const header = Buffer.from(MAGIC + fields.map((field) => field.toString(16).padStart(8, '0')).join(''))
  return [header, name, padding(header.byteLength + name.byteLength, 4), node.data, padding(node.data.byteLength, 4)]
}

function padding(bytes: number, multiple: number): Uint8Array {
  return new Uint8Array((multiple - (bytes % multiple)) % multiple)
}
