/** Grows the last partition of a disk whose file has grown: in a GPT, whose copy moves to the new end, or in an MBR. */
import type { FileHandle } from 'node:fs/promises'
import { CodedError } from '@paravane/core'
import { GPT_TAIL_BYTES, regrownGpt } from './gpt.ts'
import type { Partition, PartitionTable } from './partitions.ts'

const ALIGNMENT = 1 << 20
const SECTOR = 512
/** An MBR's sectors have 32 bits. */
const MBR_BYTES_MAX = 2 ** 32 * SECTOR

/** @returns the size of the partition from now on @throws CodedError `RESIZE_REFUSED` with nothing changed */
export async function growLast(
  file: FileHandle,
  table: PartitionTable,
  last: Partition,
  size: number,
): Promise<number> {
  if (table.sectorSize !== SECTOR) throw refused('its sectors have 4096 bytes')
  if (table.kind === 'gpt') {
    const end = Math.floor((size - GPT_TAIL_BYTES) / ALIGNMENT) * ALIGNMENT
    const head = Buffer.alloc(34 * SECTOR)
    await file.read(head, 0, head.length, 0)
    const grown = regrownGpt(head, size, last.number, end)
    if (grown === undefined) throw refused('its partition table is of an unusual form')
    await file.write(grown.tail, 0, grown.tail.length, size - GPT_TAIL_BYTES)
    await file.write(grown.head, 0, grown.head.length, 0)
    return end - last.offset
  }
  if (last.number > 4) throw refused('its last partition is a logical one')
  const end = Math.min(Math.floor(size / ALIGNMENT) * ALIGNMENT, MBR_BYTES_MAX - ALIGNMENT)
  const sectors = Buffer.alloc(4)
  sectors.writeUInt32LE((end - last.offset) / SECTOR)
  await file.write(sectors, 0, 4, 446 + 16 * (last.number - 1) + 12)
  return end - last.offset
}

function refused(why: string): CodedError<{ code: string }> {
  return new CodedError(
    { code: 'RESIZE_REFUSED' },
    `the disk has grown, its last partition not: ${why}; grow it in the guest`,
  )
}
