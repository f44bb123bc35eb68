import { constants } from 'node:fs'
import { CodedError, type Disk, type StorageDriver, type StorageRequest } from '@paravane/core'
import { blockDevice } from './block-device.ts'
import type { Lvm } from './lvm/lvm.ts'
import { VolumeDisk } from './lvm/volume-disk.ts'
import { DEVICE_COLUMNS, readMap, SEGMENT_COLUMNS, type VolumeMap } from './lvm/volume-map.ts'
import { parseVolumeName, type VolumeName } from './lvm/volumes.ts'
import { openRefusal } from './open-refusal.ts'
import { phyDriver } from './phy-driver.ts'
import { openRawFile, reasonOf, statPath } from './raw-file.ts'
import type { RawHost } from './raw-open.ts'

/** `lvm:VG/LV`, a logical volume: by its device where the host has device-mapper, else by its map on the physical volumes. */
export function lvmDriver(lvm: Lvm, host: RawHost): StorageDriver {
  return {
    open: (request) => (lvm.hasDeviceMapper ? openDevice(lvm, host, request) : openMapped(lvm, host, request)),
  }
}

async function openDevice(lvm: Lvm, host: RawHost, request: StorageRequest): Promise<Disk> {
  const { group, volume } = parseVolumeName(request.target)
  await lvm.run(`lvm:${request.target}`, ['lvchange', '--activate', 'y', '--quiet', `${group}/${volume}`])
  return phyDriver(host).open({ ...request, target: `/dev/${group}/${volume}` })
}

async function openMapped(lvm: Lvm, { locks, io }: RawHost, request: StorageRequest): Promise<Disk> {
  const { target, readonly, shared = false } = request
  const name = `lvm:${target}`
  const volume = parseVolumeName(target)
  const read = (): Promise<VolumeMap> => askMap(lvm, name, volume, readonly)
  const refuse = (error: unknown): CodedError<{ readonly code: string }> =>
    error instanceof CodedError ? error : openRefusal(name, reasonOf(error), error)
  const map = await read().catch((error: unknown) => {
    throw refuse(error)
  })
  const lock = shared ? undefined : await locks.hold(`lvm ${map.uuid}`, !readonly)
  if (typeof lock === 'number') throw openRefusal(name, `process ${lock} has it: end its use there`)
  try {
    const units = await unitsOf(map)
    const flags = readonly ? constants.O_RDONLY : constants.O_RDWR
    return await VolumeDisk.open({
      ...{ name, readonly, map, lock, ...units },
      openDevice: (path) => openRawFile(path, flags, io),
      readMap: read,
    })
  } catch (error) {
    lock?.release()
    throw refuse(error)
  }
}

async function askMap(lvm: Lvm, name: string, { group, volume }: VolumeName, readonly: boolean): Promise<VolumeMap> {
  const rows = await lvm.report(name, 'lvs', 'seg', ['--segments', '-o', SEGMENT_COLUMNS, `${group}/${volume}`])
  const devices = await lvm.report(name, 'pvs', 'pv', ['-o', DEVICE_COLUMNS, '--select', `vg_name=${group}`])
  // Its snapshots would change with it (lvs(8), lv_attr).
  if (!readonly && /^[oO]/.test(rows[0]?.lv_attr ?? '')) {
    throw new Error('it has snapshots, which only device-mapper can keep: open it with mode r, or remove them')
  }
  return readMap(rows, devices)
}

/** The largest of its devices'. */
async function unitsOf({ segments }: VolumeMap): Promise<{ sectorSize: number; physicalSectorSize: number }> {
  let [sectorSize, physicalSectorSize] = [512, 512]
  for (const device of new Set(segments.flatMap(({ areas }) => areas.map((area) => area.device)))) {
    const facts = blockDevice((await statPath(device)).rdev)
    sectorSize = Math.max(sectorSize, await facts.queue('logical_block_size', 512))
    physicalSectorSize = Math.max(physicalSectorSize, await facts.queue('physical_block_size', 512))
  }
  return { sectorSize, physicalSectorSize }
}
