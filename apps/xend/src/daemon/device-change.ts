/** How a device that a domain has is to change: a disk by all that it is to be, a network card key by key. */
import { type ConfigSchema, configOf, text, yesNo } from '@paravane/core'
import { parseDiskSpec } from '@paravane/dev-blk'
import { changedVifText } from '@paravane/dev-net'
import type { DeviceConfig } from '../config/device-keys.ts'
import { oneOf } from '../hypervisor/control-params.ts'
import { type DeviceType, findDevice, type ListedDevice } from './device-list.ts'

export interface ChangeRequest {
  readonly type: DeviceType
  /** Of a card: its number, its address or its path. A disk is named by its `config`. */
  readonly device: string
  readonly config: string
  /** A disk is copied first, while the guest goes on. */
  readonly copy: boolean
}

export const RECONFIGURE: ConfigSchema<ChangeRequest & { readonly domain: string }> = configOf({
  domain: text(),
  type: oneOf('vbd', 'vif'),
  device: text({ initial: '' }),
  config: text(),
  copy: yesNo({ initial: false }),
})

export interface DeviceChange {
  readonly found: ListedDevice
  /** What its back end is told. */
  readonly wanted: unknown
  /** What the domain's config has of it afterwards. @throws CodedError of its form */
  readonly next: (before: DeviceConfig) => DeviceConfig
}

/** @throws CodedError `DEVICE_UNKNOWN`; of the form of a disk's `config` */
export function changeOf(
  { type, device, config, copy }: ChangeRequest,
  domain: string,
  devices: readonly ListedDevice[],
): DeviceChange {
  if (type === 'vbd') {
    const spec = parseDiskSpec(config)
    const found = findDevice(devices, type, spec.vdev, domain)
    return { found, wanted: { ...spec, copy }, next: () => ({ type, config }) }
  }
  return {
    found: findDevice(devices, type, device, domain),
    wanted: { change: config },
    next: (before) => ({ type, config: changedVifText(before.config, config) }),
  }
}
