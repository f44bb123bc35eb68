import { type Disk, DiskError } from '@paravane/core'

export type DiskChange = 'reads' | 'writes'

/** Why a disk does not take a request; undefined if it does. @param name of the disk, for messages */
export function requestRefusal(
  disk: Pick<Disk, 'size' | 'sectorSize' | 'readonly'>,
  name: string,
  does: DiskChange,
  offset: number,
  length: number,
): DiskError | undefined {
  const { size, sectorSize, readonly } = disk
  if (does === 'writes' && readonly) return new DiskError('DISK_READONLY', name, 'it was opened read-only')
  if (offset % sectorSize !== 0 || length % sectorSize !== 0) {
    return new DiskError('DISK_BOUNDS', name, `bytes ${offset} + ${length} are not whole sectors of ${sectorSize}`)
  }
  if (offset < 0 || offset + length > size) {
    return new DiskError('DISK_BOUNDS', name, `bytes ${offset} + ${length} are beyond its ${size}`)
  }
  return undefined
}

export function closedError(name: string): DiskError {
  return new DiskError('DISK_CLOSED', name, 'it is closed')
}
