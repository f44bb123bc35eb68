/** Writes a GUID partition table (UEFI 2.10, chapter 5): what stands at the start of a disk, and the copy at its end. Sectors of 512 bytes. */
import { crc32 } from 'node:zlib'
import { GPT_SIGNATURE, MBR_SIGNATURE_AT, readUuid } from './partitions.ts'

const SECTOR = 512
const ENTRIES = 128
const ENTRY_BYTES = 128
const TABLE_SECTORS = (ENTRIES * ENTRY_BYTES) / SECTOR
const HEADER_BYTES = 92
/** Of one MiB, as everybody aligns partitions. */
export const FIRST_PARTITION_AT: number = 1 << 20
/** Copy of the table, and its header. */
export const GPT_TAIL_BYTES: number = (TABLE_SECTORS + 1) * SECTOR
/** "Linux root (x86-64)" of the Discoverable Partitions Specification. */
export const LINUX_ROOT_X86_64 = '4f68bce3-e8cd-4db1-96e7-fbcaf984b709'

export interface NewPartition {
  /** Bytes. */
  readonly offset: number
  readonly size: number
  readonly type: string
  readonly uuid: string
  readonly name: string
}

export interface GptBytes {
  /** Goes to the start of the disk. */
  readonly head: Buffer
  /** Its last bytes. */
  readonly tail: Buffer
}

/** @param size of the disk, a multiple of 512 */
export function gptBytes(size: number, diskUuid: string, partitions: readonly NewPartition[]): GptBytes {
  const table = Buffer.alloc(ENTRIES * ENTRY_BYTES)
  for (const [index, { offset, size: length, type, uuid, name }] of partitions.entries()) {
    const entry = table.subarray(index * ENTRY_BYTES, (index + 1) * ENTRY_BYTES)
    uuidBytes(type).copy(entry, 0)
    uuidBytes(uuid).copy(entry, 16)
    entry.writeBigUInt64LE(BigInt(offset / SECTOR), 32)
    entry.writeBigUInt64LE(BigInt((offset + length) / SECTOR - 1), 40)
    entry.write(name.slice(0, 35), 56, 'utf16le')
  }
  return tableBytes(size, diskUuid, table)
}

/**
 * The same table for a disk that has become larger, with one partition that ends at `end`.
 * @param head as it stands on the disk, 34 sectors
 * @returns undefined where it is none that {@link gptBytes} could have written
 */
export function regrownGpt(head: Buffer, size: number, number: number, end: number): GptBytes | undefined {
  const header = head.subarray(SECTOR, 2 * SECTOR)
  const isOurs = header.readUInt32LE(80) === ENTRIES && header.readUInt32LE(84) === ENTRY_BYTES
  if (!isOurs || header.readBigUInt64LE(72) !== 2n) return undefined
  const table = Buffer.from(head.subarray(2 * SECTOR))
  table.writeBigUInt64LE(BigInt(end / SECTOR - 1), (number - 1) * ENTRY_BYTES + 40)
  return tableBytes(size, readUuid(header.subarray(56, 72)), table)
}

function tableBytes(size: number, diskUuid: string, table: Buffer): GptBytes {
  const last = size / SECTOR - 1
  const header = (own: number, other: number, tableAt: number): Buffer => {
    const bytes = Buffer.alloc(SECTOR)
    bytes.write(GPT_SIGNATURE, 0, 'latin1')
    bytes.writeUInt32LE(0x00010000, 8)
    bytes.writeUInt32LE(HEADER_BYTES, 12)
    bytes.writeBigUInt64LE(BigInt(own), 24)
    bytes.writeBigUInt64LE(BigInt(other), 32)
    bytes.writeBigUInt64LE(BigInt(2 + TABLE_SECTORS), 40)
    bytes.writeBigUInt64LE(BigInt(last - TABLE_SECTORS - 1), 48)
    uuidBytes(diskUuid).copy(bytes, 56)
    bytes.writeBigUInt64LE(BigInt(tableAt), 72)
    bytes.writeUInt32LE(ENTRIES, 80)
    bytes.writeUInt32LE(ENTRY_BYTES, 84)
    bytes.writeUInt32LE(crc32(table), 88)
    bytes.writeUInt32LE(crc32(bytes.subarray(0, HEADER_BYTES)), 16)
    return bytes
  }
  return {
    head: Buffer.concat([protectiveMbr(last), header(1, last, 2), table]),
    tail: Buffer.concat([table, header(last, 1, last - TABLE_SECTORS)]),
  }
}

/** One partition of type 0xee over all of the disk. */
function protectiveMbr(last: number): Buffer {
  const bytes = Buffer.alloc(SECTOR)
  bytes.set([0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff], 446)
  bytes.writeUInt32LE(1, 454)
  bytes.writeUInt32LE(Math.min(last, 0xffffffff), 458)
  bytes.writeUInt16LE(0xaa55, MBR_SIGNATURE_AT)
  return bytes
}

/** The first three fields are little-endian. */
function uuidBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex')
  bytes.subarray(0, 4).reverse()
  bytes.subarray(4, 6).reverse()
  bytes.subarray(6, 8).reverse()
  return bytes
}
