/** Devices of a domain as `xm top` shows them. */
import type { DeviceRow } from '../hypervisor/control-rows.ts'

/** Traffic of a network card, as domain 0 sees it: `tx` went to the guest. */
export interface TopCard {
  readonly rx: TopTraffic
  readonly tx: TopTraffic
}

export interface TopTraffic {
  readonly bytes: number
  readonly packets: number
  readonly errors: number
  readonly drops: number
}

export interface TopDisk {
  readonly devid: number
  readonly reads: number
  readonly writes: number
  /** Of 512 bytes. */
  readonly readSectors: number
  readonly writtenSectors: number
}

export interface TopDevices {
  readonly cards: readonly TopCard[]
  readonly disks: readonly TopDisk[]
}

export const NO_DEVICES: TopDevices = { cards: [], disks: [] }
const SECTOR = 512

export function topDevices(devices: readonly DeviceRow[]): TopDevices {
  const of = (type: DeviceRow['type']): DeviceRow[] =>
    devices.filter((device) => device.type === type).sort((a, b) => a.devid - b.devid)
  return { cards: of('vif').map(cardOf), disks: of('vbd').map(diskOf) }
}

const numberOf =
  ({ facts }: DeviceRow) =>
  (fact: string): number =>
    Number(facts[fact]) || 0

function cardOf(device: DeviceRow): TopCard {
  const number = numberOf(device)
  const traffic = (way: 'rx' | 'tx'): TopTraffic => ({
    bytes: number(`${way}Bytes`),
    packets: number(`${way}Frames`),
    errors: number(`${way}Errors`),
    drops: number(`${way}Dropped`),
  })
  return { rx: traffic('rx'), tx: traffic('tx') }
}

function diskOf(device: DeviceRow): TopDisk {
  const number = numberOf(device)
  return {
    devid: device.devid,
    reads: number('reads'),
    writes: number('writes'),
    readSectors: Math.floor(number('bytesRead') / SECTOR),
    writtenSectors: Math.floor(number('bytesWritten') / SECTOR),
  }
}
