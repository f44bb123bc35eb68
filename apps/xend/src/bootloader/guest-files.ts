/** Files of an ext2, ext3 or ext4 file system that a guest has written, by libext2fs in WebAssembly: what damages it damages nothing else. */
import { open } from 'node:fs/promises'
import { type Ext2Disk, type Ext2File, type Ext2Files, mount } from 'ext2fs'
import type { DiskReader } from '../disk-image/disk-reader.ts'
import { BootError } from './boot-error.ts'

const O_RDONLY_NOATIME = 0o1000000
const CHUNK_BYTES = 1 << 20
/** Blocks that lie together are read together. */
const AHEAD_BYTES = 256 << 10
const MOST_CHUNKS = 64

const SUPERBLOCK_AT = 1024
const SUPERBLOCK_BYTES = 1024
const RO_COMPAT_AT = 100
const CHECKSUM_AT = 1020
const RO_COMPAT_METADATA_CSUM = 0x400
/** Features that matter to writers only, and that libext2fs might not know: verity, orphan_present. */
const RO_COMPAT_UNHEEDED = 0x8000 | 0x10000

/** Codes of what is not there, as of a path through a file. */
const ABSENT: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR'])

export class GuestFiles {
  readonly #files: Ext2Files

  private constructor(files: Ext2Files) {
    this.#files = files
  }

  /** @param at bytes from the start of the disk @throws BootError */
  static async open(disk: DiskReader, at: number, size: number): Promise<GuestFiles> {
    const cached = new CachedReader(disk, at, size)
    try {
      return new GuestFiles((await mount(await readOnly(cached))).promises)
    } catch (cause) {
      if (cause instanceof BootError) throw cause
      throw new BootError('BOOT_DISK', 'its file system is damaged, or has features that are not known', { cause })
    }
  }

  /** Undefined where there is no such file. @throws BootError if it is larger than `limit` bytes, or damaged */
  async read(path: string, limit: number): Promise<Buffer | undefined> {
    const chunks: Buffer[] = []
    const isThere = await this.#each(path, limit, async (bytes) => void chunks.push(Buffer.from(bytes)))
    return isThere ? Buffer.concat(chunks) : undefined
  }

  /** Adds its bytes to a file of the host. @returns whether it is there */
  async append(path: string, limit: number, to: string): Promise<boolean> {
    const target = await open(to, 'a', 0o600)
    try {
      return await this.#each(path, limit, async (bytes) => void (await target.appendFile(bytes)))
    } finally {
      await target.close()
    }
  }

  async #each(path: string, limit: number, take: (bytes: Buffer) => Promise<void>): Promise<boolean> {
    const file = await this.#open(path)
    if (file === undefined) return false
    try {
      const { size } = await file.stat()
      if (!(size >= 0 && size <= limit)) {
        throw new BootError(
          'BOOT_DISK',
          `${path} has ${size} bytes, more than the ${limit} that are read of such a file`,
        )
      }
      const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, size))
      for (let at = 0; at < size; ) {
        const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - at), at)
        if (bytesRead <= 0)
          throw new BootError('BOOT_DISK', `${path} ends at byte ${at} of ${size}: the file system is damaged`)
        await take(buffer.subarray(0, bytesRead))
        at += bytesRead
      }
      return true
    } finally {
      await file.close()
    }
  }

  async #open(path: string): Promise<Ext2File | undefined> {
    let file: Ext2File | undefined
    try {
      file = await this.#files.open(path, O_RDONLY_NOATIME)
      if ((await file.stat()).isFile()) return file
    } catch (cause) {
      if (!ABSENT.has((cause as NodeJS.ErrnoException).code)) {
        throw new BootError('BOOT_DISK', `${path} cannot be read: the file system is damaged`, { cause })
      }
    }
    await file?.close()
    return undefined
  }
}

/** libext2fs opens for writing, and would write times of access: it may believe that it has. */
async function readOnly(disk: CachedReader): Promise<Ext2Disk> {
  const superblock = heeded(Buffer.from(await disk.read(SUPERBLOCK_AT, SUPERBLOCK_BYTES)))
  return {
    async read(buffer, bufferOffset, length, offset) {
      const bytes = Buffer.from(await disk.read(offset, length))
      const [from, to] = [Math.max(offset, SUPERBLOCK_AT), Math.min(offset + length, SUPERBLOCK_AT + SUPERBLOCK_BYTES)]
      if (from < to) superblock.copy(bytes, from - offset, from - SUPERBLOCK_AT, to - SUPERBLOCK_AT)
      bytes.copy(buffer, bufferOffset)
      return { bytesRead: length, buffer }
    },
    write: async (buffer, _, length) => ({ bytesWritten: length, buffer }),
    flush: async () => {},
    discard: async () => {},
  }
}

function heeded(superblock: Buffer): Buffer {
  const features = superblock.readUInt32LE(RO_COMPAT_AT)
  if ((features & RO_COMPAT_UNHEEDED) === 0) return superblock
  superblock.writeUInt32LE((features & ~RO_COMPAT_UNHEEDED) >>> 0, RO_COMPAT_AT)
  if (features & RO_COMPAT_METADATA_CSUM) {
    superblock.writeUInt32LE(crc32c(superblock.subarray(0, CHECKSUM_AT)), CHECKSUM_AT)
  }
  return superblock
}

/** As ext4 has it: begun with all ones, and not inverted at the end. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return crc >>> 0
}

/** One partition, of which larger pieces are kept for a while. */
class CachedReader {
  readonly #disk: DiskReader
  readonly #at: number
  readonly #size: number
  readonly #chunks = new Map<number, Uint8Array>()

  constructor(disk: DiskReader, at: number, size: number) {
    this.#disk = disk
    this.#at = at
    this.#size = size
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.#size)) throw new Error('beyond the partition')
    const bytes = new Uint8Array(length)
    for (let done = 0; done < length; ) {
      const index = Math.floor((offset + done) / AHEAD_BYTES)
      const chunk = await this.#chunk(index)
      const part = chunk.subarray(offset + done - index * AHEAD_BYTES).subarray(0, length - done)
      bytes.set(part, done)
      done += part.length
    }
    return bytes
  }

  async #chunk(index: number): Promise<Uint8Array> {
    const known = this.#chunks.get(index)
    if (known !== undefined) return known
    const begin = index * AHEAD_BYTES
    const chunk = await this.#disk.read(this.#at + begin, Math.min(AHEAD_BYTES, this.#size - begin))
    const [oldest] = this.#chunks.keys()
    if (this.#chunks.size >= MOST_CHUNKS && oldest !== undefined) this.#chunks.delete(oldest)
    this.#chunks.set(index, chunk)
    return chunk
  }
}
