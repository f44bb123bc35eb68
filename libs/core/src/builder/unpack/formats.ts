import { gunzip } from './gzip.ts'
import { LZ4_LEGACY_MAGIC, unlz4 } from './lz4.ts'
import { unzstd } from './node-zlib.ts'
import { unxz } from './xz.ts'
import { XZ_MAGIC } from './xz-index.ts'

/** One way a kernel can be packed. */
export interface PackFormat {
  readonly name: string
  readonly magic: readonly number[]
  /**
   * Unpacks to at most `maxBytes`; throws `UnpackError` on damage. Absent: a format that is known by name only.
   */
  readonly unpack?: (packed: Uint8Array, maxBytes: number) => Uint8Array
  /** Whether the kernel's build appends the unpacked size, 4 bytes, when it makes a bzImage (scripts/Makefile.lib). */
  readonly sizeAppended: boolean
}

/** What the kernel's build can produce (lib/decompress.c), by the first bytes. */
export const PACK_FORMATS: readonly PackFormat[] = [
  { name: 'gzip', magic: [0x1f, 0x8b], unpack: gunzip, sizeAppended: false },
  { name: 'xz', magic: XZ_MAGIC, unpack: unxz, sizeAppended: true },
  { name: 'lz4', magic: LZ4_LEGACY_MAGIC, unpack: unlz4, sizeAppended: true },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], unpack: unzstd, sizeAppended: true },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68], sizeAppended: true },
  { name: 'lzma', magic: [0x5d, 0x00, 0x00], sizeAppended: true },
  { name: 'lzo', magic: [0x89, 0x4c, 0x5a], sizeAppended: true },
  { name: 'lz4 (new frame format)', magic: [0x04, 0x22, 0x4d, 0x18], sizeAppended: true },
]
