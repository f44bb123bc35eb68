/** Partition tables that a guest wrote: any become a list of partitions on the disk, after a bounded number of reads on it. */
import { FIRST_PARTITION_AT, gptBytes, LINUX_ROOT_X86_64 } from '../../../apps/xend/src/disk-image/gpt.ts'
import { type PartitionTable, partitionTable } from '../../../apps/xend/src/disk-image/partitions.ts'
import type { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { demand, type Judge, type Target } from '../target.ts'

const SECTOR = 512
/** As small as it may be for its largest table to be on it. */
const DISK_BYTES = 2 << 20
/** At most so much of it is written. */
const WRITTEN_BYTES = 256 * SECTOR
const MOST_READS = 140
const MOST_READ_BYTES = 8 << 20
const MOST_PARTITIONS = 1024
const SPOTS: readonly number[] = [446, 450, 454, 458, 510, 512, 584, 592, 596, 1024, 1056, 1064, 1072, 4096, 4168, 4176]
const VALUES: readonly number[] = [0, 1, 2, 5, 0xee, 0x80, 0xff, 128, 2047, 2048, 4095, 0x7fffffff, 0xffffffff, 0xaa55]

type Read = typeof partitionTable

class PartitionsJudge implements Judge {
  readonly #tape = new Tape()
  readonly #disk = Buffer.alloc(DISK_BYTES)
  readonly #read: Read

  constructor(read: Read) {
    this.#read = read
  }

  make(random: Random): Uint8Array {
    return random.fill(new Uint8Array(1 + random.below(80)))
  }

  judge(bytes: Uint8Array): number {
    const disk = this.#disk.fill(0, 0, WRITTEN_BYTES)
    spoil(disk, this.#tape.open(bytes), bytes.length)
    let [reads, readBytes] = [0, 0]
    const reading = this.#read(disk.length)
    let next = reading.next()
    while (!next.done) {
      const { offset, length } = next.value
      demand(offset >= 0 && length > 0 && offset + length <= disk.length, 'a read beyond the disk')
      readBytes += length
      demand(++reads <= MOST_READS && readBytes <= MOST_READ_BYTES, 'more reads than there is sense in')
      next = reading.next(disk.subarray(offset, offset + length))
    }
    judgeTable(next.value, disk.length)
    return 1
  }
}

function judgeTable(table: PartitionTable | undefined, size: number): void {
  const { partitions = [] } = table ?? {}
  demand(partitions.length <= MOST_PARTITIONS, 'more partitions than there may be')
  for (const { offset, size: length, number } of partitions) {
    demand(offset > 0 && length > 0 && offset + length <= size, `partition ${number} is not on the disk`)
  }
}

/** A GPT, or an MBR with logical partitions, of which some bytes are others. */
function spoil(disk: Buffer, tape: Tape, acts: number): void {
  if (tape.below(2) === 0) {
    const partition = {
      offset: FIRST_PARTITION_AT,
      size: 1 << 19,
      type: LINUX_ROOT_X86_64,
      uuid: LINUX_ROOT_X86_64,
      name: 'root',
    }
    const { head } = gptBytes(DISK_BYTES, LINUX_ROOT_X86_64, [partition])
    head.copy(disk)
  } else {
    for (const [at, type] of [
      [0, 5],
      [64, 0x83],
    ] as const) {
      disk[at * SECTOR + 450] = type
      disk.writeUInt32LE(64, at * SECTOR + 454)
      disk.writeUInt32LE(64, at * SECTOR + 458)
      disk.writeUInt16LE(0xaa55, at * SECTOR + 510)
    }
  }
  for (let act = 1; act < acts; act += 3) {
    const sector = tape.pick([0, 0, 0, 64, 128, 192])
    const at = sector * SECTOR + tape.pick(SPOTS) + 16 * tape.below(4)
    const kind = tape.below(3)
    if (kind === 0) disk[at] = tape.byte()
    else if (kind === 1) disk.writeUInt32LE(tape.pick(VALUES), at)
    else disk.writeUInt16LE(0xaa55, sector * SECTOR + 510)
  }
}

/** @param read what is judged; a test gives a wrong one */
export function partitionsTarget(read: Read = partitionTable): Target {
  return {
    name: 'partitions',
    input: 'one partition table',
    stride: 3,
    life: 1 << 20,
    open: () => new PartitionsJudge(read),
  }
}
