/**
 * Reads partition tables: GPT (UEFI 2.10, chapter 5) and MBR with logical partitions. What makes no sense is left out; no table
 * makes reading take longer than its bounds below.
 */
import type { DiskReader } from './disk-reader.ts'

export interface Partition {
  /** As in the guest's name of it, xvda1. */
  readonly number: number
  /** Bytes. */
  readonly offset: number
  readonly size: number
  /** GPT: the type's UUID; MBR: its number as two hexadecimal digits. */
  readonly type: string
  /** GPT: its name; MBR has none. */
  readonly name: string
  /** It is the one to boot from. */
  readonly active: boolean
}

export interface PartitionTable {
  readonly kind: 'gpt' | 'mbr'
  /** Unit of its addresses, bytes. */
  readonly sectorSize: number
  readonly partitions: readonly Partition[]
}

export const MBR_SIGNATURE_AT = 510
const MBR_ENTRIES_AT = 446
const MBR_ENTRY_BYTES = 16
const MBR_TYPE_PROTECTIVE = 0xee
const MBR_TYPES_EXTENDED: ReadonlySet<number> = new Set([0x05, 0x0f, 0x85])
const MBR_ACTIVE = 0x80
const FIRST_LOGICAL = 5
const MOST_LOGICAL = 128

export const GPT_SIGNATURE = 'EFI PART'
const GPT_MOST_ENTRIES = 1024
const GPT_MOST_ENTRY_BYTES = 4096
/** Attribute "legacy BIOS bootable". */
const GPT_ACTIVE = 1 << 2
const GPT_UNUSED = '00000000-0000-0000-0000-000000000000'

/** Bytes of the disk that are wanted to go on. */
interface Span {
  readonly offset: number
  readonly length: number
}
type Reading<T> = Generator<Span, T, Uint8Array>

/** Undefined where there is no table. */
export async function readPartitionTable(disk: DiskReader): Promise<PartitionTable | undefined> {
  const reading = partitionTable(disk.size)
  let next = reading.next()
  while (!next.done) next = reading.next(await disk.read(next.value.offset, next.value.length))
  return next.value
}

/** The same, by whoever reads for it. @param size of the disk, bytes */
export function* partitionTable(size: number): Reading<PartitionTable | undefined> {
  if (size < 1024) return undefined
  const first = Buffer.from(yield { offset: 0, length: 512 })
  if (first.readUInt16LE(MBR_SIGNATURE_AT) !== 0xaa55) return undefined
  const primaries = entriesOf(first)
  if (primaries.some(({ type }) => type === MBR_TYPE_PROTECTIVE)) {
    for (const sectorSize of [512, 4096]) {
      const partitions = yield* readGpt(size, sectorSize)
      if (partitions !== undefined) return { kind: 'gpt', sectorSize, partitions }
    }
  }
  // A boot sector of a file system ends in the same signature as a table does.
  if (!primaries.every(({ status }) => status === 0 || status === MBR_ACTIVE)) return undefined
  const used = primaries.filter(({ type }) => type !== 0)
  if (used.length === 0) return undefined
  return { kind: 'mbr', sectorSize: 512, partitions: yield* readMbr(size, primaries) }
}

interface MbrEntry {
  readonly number: number
  readonly status: number
  readonly type: number
  readonly start: number
  readonly sectors: number
}

function entriesOf(sector: Buffer): MbrEntry[] {
  return [1, 2, 3, 4].map((number) => {
    const at = MBR_ENTRIES_AT + MBR_ENTRY_BYTES * (number - 1)
    return {
      number,
      status: sector[at],
      type: sector[at + 4],
      start: sector.readUInt32LE(at + 8),
      sectors: sector.readUInt32LE(at + 12),
    }
  })
}

function* readMbr(disk: number, primaries: readonly MbrEntry[]): Reading<Partition[]> {
  const found: Partition[] = []
  const add = ({ status, type, start, sectors }: MbrEntry, number: number, base: number): void => {
    const [offset, size] = [(base + start) * 512, sectors * 512]
    if (start === 0 || !isWithin(disk, offset, size)) return
    const text = type.toString(16).padStart(2, '0')
    found.push({ number, offset, size, type: text, name: '', active: status === MBR_ACTIVE })
  }
  const isExtended = ({ type }: MbrEntry): boolean => MBR_TYPES_EXTENDED.has(type)
  for (const entry of primaries) if (entry.type !== 0 && !isExtended(entry)) add(entry, entry.number, 0)
  const extended = primaries.find(isExtended)
  let [next, number] = [extended?.start ?? 0, FIRST_LOGICAL]
  const seen = new Set<number>()
  while (extended !== undefined && next !== 0 && !seen.has(next) && seen.size < MOST_LOGICAL) {
    seen.add(next)
    if (!isWithin(disk, next * 512, 512)) break
    const sector = Buffer.from(yield { offset: next * 512, length: 512 })
    if (sector.readUInt16LE(MBR_SIGNATURE_AT) !== 0xaa55) break
    const [own, link] = entriesOf(sector)
    if (own.type !== 0) add(own, number++, next)
    // Links count from the extended partition, not from the table that holds them.
    next = isExtended(link) && link.start !== 0 ? extended.start + link.start : 0
  }
  return found
}

function* readGpt(disk: number, sectorSize: number): Reading<Partition[] | undefined> {
  if (disk < 3 * sectorSize) return undefined
  const header = Buffer.from(yield { offset: sectorSize, length: 512 })
  if (header.toString('latin1', 0, 8) !== GPT_SIGNATURE) return undefined
  const tableAt = Number(header.readBigUInt64LE(72)) * sectorSize
  const [count, entryBytes] = [header.readUInt32LE(80), header.readUInt32LE(84)]
  if (count > GPT_MOST_ENTRIES || entryBytes < 128 || entryBytes > GPT_MOST_ENTRY_BYTES) return []
  if (!isWithin(disk, tableAt, count * entryBytes)) return []
  const table = Buffer.from(yield { offset: tableAt, length: count * entryBytes })
  const found: Partition[] = []
  for (let index = 0; index < count; index++) {
    const entry = table.subarray(index * entryBytes, (index + 1) * entryBytes)
    const type = readUuid(entry)
    if (type === GPT_UNUSED) continue
    const [first, last] = [Number(entry.readBigUInt64LE(32)), Number(entry.readBigUInt64LE(40))]
    const [offset, size] = [first * sectorSize, (last - first + 1) * sectorSize]
    if (first === 0 || !isWithin(disk, offset, size)) continue
    const name = entry.toString('utf16le', 56, 128).replace(/\0.*$/s, '')
    found.push({ number: index + 1, offset, size, type, name, active: (entry[48] & GPT_ACTIVE) !== 0 })
  }
  return found
}

const isWithin = (disk: number, offset: number, size: number): boolean =>
  offset >= 0 && size > 0 && Number.isSafeInteger(offset + size) && offset + size <= disk

/** The first three fields are little-endian. */
export function readUuid(bytes: Buffer): string {
  const hex = (part: Buffer): string => part.toString('hex')
  const swapped = (begin: number, end: number): string => hex(Buffer.from(bytes.subarray(begin, end)).reverse())
  return `${swapped(0, 4)}-${swapped(4, 6)}-${swapped(6, 8)}-${hex(bytes.subarray(8, 10))}-${hex(bytes.subarray(10, 16))}`
}
