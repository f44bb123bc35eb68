/** Says what is in a partition, or on a disk without any, by the marks that formats have at fixed places. */
import type { DiskReader } from './disk-reader.ts'

interface Mark {
  /** As users know it. */
  readonly name: string
  readonly at: number
  readonly bytes: string
}

/** Of several, the first one holds. */
const MARKS: readonly Mark[] = [
  { name: 'LUKS', at: 0, bytes: 'LUKS\xba\xbe' },
  { name: 'LVM physical volume', at: 512, bytes: 'LABELONE' },
  { name: 'xfs', at: 0, bytes: 'XFSB' },
  { name: 'squashfs', at: 0, bytes: 'hsqs' },
  { name: 'NTFS', at: 3, bytes: 'NTFS    ' },
  { name: 'FAT', at: 82, bytes: 'FAT32   ' },
  { name: 'FAT', at: 54, bytes: 'FAT1' },
  { name: 'swap', at: 4086, bytes: 'SWAPSPACE2' },
  { name: 'ISO 9660', at: 0x8001, bytes: 'CD001' },
  { name: 'btrfs', at: 0x10040, bytes: '_BHRfS_M' },
]
/** Of all marks. */
const HEAD_BYTES = 0x10100

const SUPERBLOCK_AT = 1024
const EXT_MAGIC = 0xef53
const COMPAT_HAS_JOURNAL = 4
/** Any of these is of ext4 only: extents, 64bit, flex_bg, mmp, inline_data. */
const INCOMPAT_EXT4 = 0x40 | 0x80 | 0x200 | 0x100 | 0x8000

export interface FileSystem {
  /** ext2, ext3, ext4, or the name of what is there. */
  readonly kind: string
  /** Of ext: its label, may be empty. */
  readonly label: string
  /** Of ext. */
  readonly uuid?: string
  /** Of ext: bytes that it takes. */
  readonly size?: number
}

/** Undefined where nothing is known by its marks. @param offset of the partition, bytes */
export async function recogniseFileSystem(disk: DiskReader, offset = 0): Promise<FileSystem | undefined> {
  const length = Math.min(HEAD_BYTES, disk.size - offset)
  if (length < 2 * SUPERBLOCK_AT) return undefined
  const head = Buffer.from(await disk.read(offset, length))
  const block = head.subarray(SUPERBLOCK_AT)
  if (block.readUInt16LE(56) === EXT_MAGIC) return ext(block)
  const mark = MARKS.find(({ at, bytes }) => head.toString('latin1', at, at + bytes.length) === bytes)
  return mark && { kind: mark.name, label: '' }
}

export const isExt = (found: FileSystem | undefined): boolean => /^ext[234]$/.test(found?.kind ?? '')

function ext(block: Buffer): FileSystem {
  const [compat, incompat] = [block.readUInt32LE(92), block.readUInt32LE(96)]
  const kind = incompat & INCOMPAT_EXT4 ? 'ext4' : compat & COMPAT_HAS_JOURNAL ? 'ext3' : 'ext2'
  const uuid = block.toString('hex', 104, 120).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  const label = block.toString('utf8', 120, 136).replace(/\0.*$/s, '')
  return { kind, label, uuid, size: block.readUInt32LE(4) * 2 ** (10 + Math.min(block.readUInt32LE(24), 6)) }
}
