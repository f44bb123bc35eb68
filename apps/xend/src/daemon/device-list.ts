/** Devices as xend lists them, and how one of them is named. */
import { CodedError } from '@paravane/core'
import { parseDiskSpec, vdevNumber } from '@paravane/dev-blk'
import { formatMac, parseMac, parseVifSpec } from '@paravane/dev-net'
import type { DeviceConfig } from '../config/device-keys.ts'
import type { DeviceRow } from '../hypervisor/control-rows.ts'

export type DeviceType = DeviceConfig['type']

/** One of a domain that does not run has no number of the domain, and no halves. */
export interface ListedDevice extends Omit<DeviceRow, 'domid'> {
  readonly domid: number | null
}

/** What a user calls a device of each kind, and the command that lists them. */
const CALLED: Readonly<Record<DeviceType, readonly [name: string, list: string]>> = {
  vbd: ['disk', 'block-list'],
  vif: ['network card', 'network-list'],
}

/** By its number, its name in the guest, its address or its path in the store. @throws CodedError `DEVICE_UNKNOWN` */
export function findDevice(
  devices: readonly ListedDevice[],
  type: DeviceType,
  named: string,
  domain: string,
): ListedDevice {
  const devid = devidOf(type, named)
  const mac = type === 'vif' ? parseMac(named) : undefined
  const found = devices.find(
    (device) =>
      device.type === type &&
      (device.devid === devid ||
        (mac !== undefined && device.back.mac?.toLowerCase() === formatMac(mac)) ||
        // Of one that does not run they are empty.
        (named !== '' && [device.backPath, device.frontPath].includes(named))),
  )
  if (found !== undefined) return found
  const [name, list] = CALLED[type]
  throw new CodedError(
    { code: 'DEVICE_UNKNOWN', type, domain },
    `Domain '${domain}' has no ${name} '${named}'; xm ${list} ${domain} lists those that it has`,
  )
}

function devidOf(type: DeviceType, named: string): number | undefined {
  if (/^(0x[0-9a-f]+|[0-9]+)$/i.test(named)) return Number(named)
  return type === 'vbd' ? vdevNumber(named) : undefined
}

/** Of a domain that does not run: what its definition has. */
export function definedDevices(devices: readonly DeviceConfig[] = []): readonly ListedDevice[] {
  let cards = 0
  return devices.map(({ type, config }): ListedDevice => {
    const none = { domid: null, type, frontPath: '', backPath: '', frontState: 0, backState: 0, front: {}, facts: {} }
    if (type === 'vbd') return { ...none, devid: parseDiskSpec(config).devid, back: {} }
    const { mac, devid = cards++ } = parseVifSpec(config)
    return { ...none, devid, back: mac === undefined ? {} : { mac: formatMac(mac) } }
  })
}

/** Whether a device of a config is this one. */
export function isDevice({ type, config }: DeviceConfig, { type: wanted, devid, back }: ListedDevice): boolean {
  if (type !== wanted) return false
  if (type === 'vbd') return parseDiskSpec(config).devid === devid
  const { mac } = parseVifSpec(config)
  return mac !== undefined && formatMac(mac) === back.mac?.toLowerCase()
}
