import type { Disk } from '@paravane/core'

/** Whole sectors of the disk, and within it. */
export function fits({ size, sectorSize }: Pick<Disk, 'size' | 'sectorSize'>, offset: number, length: number): boolean {
  return offset + length <= size && offset % sectorSize === 0 && length % sectorSize === 0
}
