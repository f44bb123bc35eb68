import { openRefusal } from '../open-refusal.ts'
import type { Lvm } from './lvm.ts'

const NAME = '[A-Za-z0-9_+.][A-Za-z0-9_+.-]*'
const VOLUME = new RegExp(`^(?:/dev/)?(${NAME})/(${NAME})$`)

export interface VolumeName {
  readonly group: string
  readonly volume: string
}

/** `VG/LV`, or `/dev/VG/LV`. @throws CodedError `DISK_OPEN` */
export function parseVolumeName(target: string): VolumeName {
  const [, group, volume] = VOLUME.exec(target) ?? []
  if (group !== undefined && volume !== undefined) return { group, volume }
  throw openRefusal(`lvm:${target}`, 'name a logical volume as lvm:VG/LV')
}

const REPORT_QUIETLY = ['--yes', '--quiet']

/** Makes, grows and snapshots volumes. Sizes are bytes; lvm rounds them up to whole extents. Methods throw CodedError `DISK_OPEN`. */
export class LvmVolumes {
  readonly #lvm: Lvm

  constructor(lvm: Lvm) {
    this.#lvm = lvm
  }

  /**
   * What it holds is what was there before, of other volumes perhaps: lvm clears no more than the start, and that only with device-mapper.
   * @param stripes over how many physical volumes
   */
  async create(target: string, size: number, stripes: number = 1): Promise<void> {
    const { group, volume } = parseVolumeName(target)
    const inactive = this.#lvm.hasDeviceMapper ? [] : ['--activate', 'n', '--zero', 'n', '--wipesignatures', 'n']
    const layout = stripes > 1 ? ['--stripes', String(stripes)] : []
    const options = [...REPORT_QUIETLY, ...inactive, ...layout, '--size', `${size}b`, '--name', volume, group]
    await this.#lvm.run(`lvm:${target}`, ['lvcreate', ...options])
  }

  /** Guests that have it are told. */
  async grow(target: string, size: number): Promise<void> {
    const { group, volume } = parseVolumeName(target)
    await this.#lvm.run(`lvm:${target}`, ['lvextend', ...REPORT_QUIETLY, '--size', `${size}b`, `${group}/${volume}`])
  }

  async remove(target: string): Promise<void> {
    const { group, volume } = parseVolumeName(target)
    await this.#lvm.run(`lvm:${target}`, ['lvremove', ...REPORT_QUIETLY, `${group}/${volume}`])
  }

  /** @param size of what may change before the snapshot is full */
  async snapshot(target: string, name: string, size: number): Promise<void> {
    const { group, volume } = parseVolumeName(target)
    if (!this.#lvm.hasDeviceMapper) {
      const why = 'a snapshot needs device-mapper, which this host has not: use overlay:/PATH/TOP:lvm:VG/LV instead'
      throw openRefusal(`lvm:${target}`, why)
    }
    const options = [...REPORT_QUIETLY, '--snapshot', '--size', `${size}b`, '--name', name, `${group}/${volume}`]
    await this.#lvm.run(`lvm:${target}`, ['lvcreate', ...options])
  }
}
