import { constants } from 'node:fs'
import { isAbsolute } from 'node:path'
import type { Disk, StorageDriver, StorageRequest } from '@paravane/core'
import { blockDevice } from './block-device.ts'
import { RawDisk } from './raw-disk.ts'
import { openRaw, type RawHost, type RawKind } from './raw-open.ts'

const KIND: RawKind = {
  scheme: 'phy',
  refuses: (stats) => {
    if (stats.isFile()) return 'it is a regular file: say file: instead of phy:'
    return stats.isBlockDevice() ? undefined : 'it is no block device'
  },
  identity: ({ rdev }) => `device ${rdev}`,
  // Fails where it is mounted or otherwise claimed (open(2)).
  exclusive: constants.O_EXCL,
}

/** `phy:PATH`, a block device of the host; a path that is not absolute begins in /dev. */
export function phyDriver(host: RawHost): StorageDriver {
  return { open: (request) => openDevice(host, request) }
}

async function openDevice(host: RawHost, request: StorageRequest): Promise<Disk> {
  const { target, readonly } = request
  const path = isAbsolute(target) ? target : `/dev/${target}`
  const { file, stats, identity, lock } = await openRaw(KIND, host, { ...request, target: path })
  const facts = blockDevice(stats.rdev)
  try {
    return new RawDisk({
      file,
      stats,
      size: await facts.size(),
      sectorSize: await facts.queue('logical_block_size', 512),
      physicalSectorSize: await facts.queue('physical_block_size', 512),
      readonly,
      identity,
      device: facts.number,
      lock,
      // fallocate(1) opens it anew, which the kernel refuses while we have it to ourselves.
      discard: undefined,
      measure: facts.size,
    })
  } catch (error) {
    await file.close()
    lock?.release()
    throw error
  }
}
