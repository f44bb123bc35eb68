/** Methods of xend's socket about the devices of domains. */
import { CodedError, configOf, noConfig, text, yesNo } from '@paravane/core'
import { cardMac, withMac } from '../config/card-address.ts'
import { checkDevice, type DeviceConfig } from '../config/device-keys.ts'
import { oneOf, optional } from '../hypervisor/control-params.ts'
import type { DeviceRow } from '../hypervisor/control-rows.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import { type AnyVerb, question, verb } from '../rpc/verbs.ts'
import { changeOf, RECONFIGURE } from './device-change.ts'
import { definedDevices, findDevice, isDevice, type ListedDevice } from './device-list.ts'
import type { Domains, KnownDomain } from './domains.ts'
import { findGuest } from './find-guest.ts'
import type { KeptChanges } from './kept-changes.ts'
import type { DomainDefinition, LaunchConfig } from './launch-record.ts'
import type { ManagedDomains } from './managed-domains.ts'

const type = oneOf('vbd', 'vif')

/** A domain, and what it has of devices. */
interface Owner {
  readonly name: string
  readonly uuid: string
  readonly devices: readonly ListedDevice[]
  /** Undefined if it does not run. */
  readonly live: KnownDomain | undefined
}

export interface DeviceVerbsInit {
  readonly domains: Domains
  readonly managed: ManagedDomains
  readonly control: RpcClient
  readonly kept: KeptChanges
}

export function deviceVerbs(init: DeviceVerbsInit): readonly (readonly [string, AnyVerb])[] {
  const { control, kept } = init
  const change = (uuid: string, next: (devices: readonly DeviceConfig[]) => readonly DeviceConfig[]): Promise<void> =>
    kept.keep(uuid, ({ devices = [] }: LaunchConfig) => ({ devices: next(devices) }))
  return [
    [
      'device.list',
      question(configOf({ domain: text(), type: optional(type) }), async ({ domain, type }) => {
        const { devices } = await ownerOf(init, domain, 'list the devices of')
        return devices.filter((device) => type === undefined || device.type === type)
      }),
    ],
    ['network.list', question(noConfig, () => control.call('network.list'))],
    [
      'device.attach',
      verb(configOf({ domain: text(), type, config: text() }), async ({ domain, ...asked }) => {
        checkDevice(asked)
        const owner = await ownerOf(init, domain, 'attach a device to')
        const device = { ...asked, config: withOwnAddress(asked, owner) }
        if (owner.live === undefined) refuseTwice(owner, device)
        const { live } = owner
        const row = live && (await control.call<DeviceRow>('device.attach', { domid: live.row.domid, ...device }))
        await change(owner.uuid, (devices) => [...devices, device])
        return row ?? null
      }),
    ],
    [
      'device.detach',
      verb(
        configOf({ domain: text(), type, device: text(), force: yesNo({ initial: false }) }),
        async ({ domain, type, device, force }) => {
          const { name, uuid, devices, live } = await ownerOf(init, domain, 'detach a device from')
          const found = findDevice(devices, type, device, name)
          const { devid } = found
          if (live !== undefined) await control.call('device.detach', { domid: live.row.domid, type, devid, force })
          await change(uuid, (all) => all.filter((one) => !isDevice(one, found)))
        },
      ),
    ],
    [
      'device.reconfigure',
      verb(RECONFIGURE, async ({ domain, ...asked }) => {
        const { name, uuid, devices, live } = await ownerOf(init, domain, 'change a device of')
        const { found, next, wanted } = changeOf(asked, name, devices)
        const params = { domid: live?.row.domid, type: found.type, devid: found.devid, config: wanted }
        const row = live && (await control.call<DeviceRow>('device.reconfigure', params))
        await change(uuid, (all) => all.map((one) => (isDevice(one, found) ? next(one) : one)))
        return row ?? null
      }),
    ],
  ]
}

/** @throws CodedError `DOMAIN_UNKNOWN`, `DOMAIN_PRIVILEGED` */
async function ownerOf({ domains, managed, control }: DeviceVerbsInit, named: string, what: string): Promise<Owner> {
  await domains.look()
  const inactive: DomainDefinition | undefined = managed.inactive().find(({ config }) => config.name === named)
  if (inactive !== undefined) {
    const { name, uuid, devices } = inactive.config
    return { name, uuid, devices: definedDevices(devices), live: undefined }
  }
  const live = findGuest(domains, managed, named, what)
  const { name, uuid, domid } = live.row
  return { name, uuid, devices: await control.call<readonly DeviceRow[]>('device.list', { domid }), live }
}

/** A network card that none of the domain's has. */
function withOwnAddress({ type, config }: DeviceConfig, { uuid, devices, live }: Owner): string {
  if (type !== 'vif') return config
  const taken = new Set(devices.flatMap(({ back }) => (back.mac === undefined ? [] : [back.mac.toLowerCase()])))
  for (const { type, config } of live?.record?.config.devices ?? []) {
    const mac = type === 'vif' ? cardMac(config) : undefined
    if (mac !== undefined) taken.add(mac)
  }
  return withMac(config, uuid, taken)
}

function refuseTwice({ name, devices }: Owner, device: DeviceConfig): void {
  const twin = devices.find((one) => isDevice(device, one))
  if (twin === undefined) return
  throw new CodedError(
    { code: 'DEVICE_EXISTS', name },
    `Domain '${name}' has this device already; give another name or address, or detach it first`,
  )
}
