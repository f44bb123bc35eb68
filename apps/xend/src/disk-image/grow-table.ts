/** Grows the last partition of a disk that has become larger: in a GPT, whose copy goes to the new end, or in an MBR. */
import type { FileHandle } from 'node:fs/promises'
import { CodedError } from '@paravane/core'
import { GPT_TAIL_BYTES, regrownGpt } from './gpt.ts'
import type { Partition, PartitionTable } from './partitions.ts'

const ALIGNMENT = 1 << 20
const SECTOR = 512
const GPT_HEAD_BYTES = 34 * SECTOR
/** An MBR's sectors have 32 bits. */
const MBR_BYTES_MAX = 2 ** 32 * SECTOR

/** A change of a partition table that is known to be possible. */
export interface Growth {
  /** Bytes of the partition from then on. */
  readonly room: number
  /** Writes it to the disk or its copy, which has its new size. */
  write(file: FileHandle): Promise<void>
}

/** @param head the disk's first bytes, at least {@link GPT_HEAD_BYTES} @throws CodedError `RESIZE_REFUSED` */
export function planGrowth(head: Buffer, table: PartitionTable, last: Partition, size: number): Growth {
  if (table.sectorSize !== SECTOR) throw refused('the sectors of its partition table have 4096 bytes')
  if (table.kind === 'gpt') {
    const end = Math.floor((size - GPT_TAIL_BYTES) / ALIGNMENT) * ALIGNMENT
    const grown = regrownGpt(head.subarray(0, GPT_HEAD_BYTES), size, last.number, end)
    if (grown === undefined) throw refused('its partition table is of an unusual form')
    return {
      room: end - last.offset,
      async write(file) {
        await file.write(grown.tail, 0, grown.tail.length, size - GPT_TAIL_BYTES)
        await file.write(grown.head, 0, grown.head.length, 0)
      },
    }
  }
  if (last.number > 4) throw refused('its last partition is a logical one')
  const end = Math.min(Math.floor(size / ALIGNMENT) * ALIGNMENT, MBR_BYTES_MAX - ALIGNMENT)
  const sectors = Buffer.alloc(4)
  sectors.writeUInt32LE((end - last.offset) / SECTOR)
  return {
    room: end - last.offset,
    async write(file) {
      await file.write(sectors, 0, 4, 446 + 16 * (last.number - 1) + 12)
    },
  }
}

function refused(why: string): CodedError<{ code: string }> {
  return new CodedError(
    { code: 'RESIZE_REFUSED' },
    `the disk cannot be grown: ${why}; make a larger one and copy it in the guest`,
  )
}
