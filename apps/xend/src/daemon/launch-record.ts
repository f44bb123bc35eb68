/** What xend knows of a domain. */
import { CodedError, hostEntropy, newUuid } from '@paravane/core'
import type { BootConfig } from '../config/boot-config.ts'
import { cardMac, withMac } from '../config/card-address.ts'
import type { DeviceConfig } from '../config/device-keys.ts'
import type { DomainConfig } from '../config/domain-config.ts'
import { commandLine } from '../config/kernel-arguments.ts'
import type { Policies } from '../config/policies.ts'

/** What a domain is to be: of a managed one kept as long as it is managed. */
export interface DomainDefinition {
  readonly config: LaunchConfig
  readonly policies: Policies
  readonly onXendStart?: DomainConfig['onXendStart']
  readonly onXendStop?: DomainConfig['onXendStop']
  readonly nomigrate?: boolean
  readonly description?: string
}

/** Of one that was started: it lies with the hypervisor, beside the domain, and so outlives xend and goes with the domain. */
export interface LaunchRecord extends DomainDefinition {
  /** It is to run as soon as it is made. Gone when it does. */
  readonly unpause: boolean
  /** ms since the epoch, of this start. */
  readonly started: number
  /** Its end has been dealt with: it is only kept. */
  readonly preserved?: boolean
}

/** All that a domain is made of again, at a restart: paths and numbers. */
export interface LaunchConfig {
  readonly name: string
  readonly uuid: string
  /** Of a config with a boot loader undefined. */
  readonly kernel?: string
  readonly ramdisk?: string
  readonly boot?: BootConfig
  /** With a boot loader what goes behind that of the disk. */
  readonly cmdline: string
  readonly memory: number
  readonly vcpus: number
  readonly weight?: number
  readonly cap?: number
  readonly affinity?: readonly (readonly number[])[]
  readonly online?: readonly number[]
  readonly devices?: readonly DeviceConfig[]
}

/** With a new UUID if the config has none. @throws CodedError `CONFIG_INCOMPLETE` */
export function definitionOf(given: DomainConfig): DomainDefinition {
  const { name, memory, vcpus, online, args, kernel, ramdisk, boot, weight, cap, affinity } = given
  const { uuid = newUuid(hostEntropy), policies, onXendStart, onXendStop, nomigrate, description } = given
  const devices = withAddresses(given.devices, uuid)
  if (kernel === undefined && boot === undefined) {
    throw new CodedError(
      { code: 'CONFIG_INCOMPLETE' },
      "the config names no kernel; add kernel = '/path/to/vmlinuz', or bootloader = 'pygrub' where its disk has one, or create it with --guest debian",
    )
  }
  const cmdline = commandLine(args)
  const made = { memory, vcpus, online, weight, cap, affinity, devices }
  return {
    config: { name, uuid, kernel: kernel?.path, ramdisk: ramdisk?.path, boot, cmdline, ...made },
    policies,
    onXendStart,
    onXendStop,
    nomigrate,
    description,
  }
}

function withAddresses(devices: readonly DeviceConfig[], uuid: string): readonly DeviceConfig[] {
  const given = devices.map(({ type, config }) => (type === 'vif' ? cardMac(config) : undefined))
  const taken = new Set(given.filter((mac) => mac !== undefined))
  return devices.map((device) =>
    device.type === 'vif' ? { ...device, config: withMac(device.config, uuid, taken) } : device,
  )
}

/** Of a start that begins now. */
export const launchOf = (definition: DomainDefinition, unpause: boolean): LaunchRecord => ({
  ...definition,
  unpause,
  started: Date.now(),
})

export const formatRecord = (record: LaunchRecord): string => JSON.stringify(record)

/** Undefined for a domain that another toolstack made. */
export const parseRecord = (text: string): LaunchRecord | undefined => parsed<LaunchRecord>(text)

export const formatDefinition = ({
  config,
  policies,
  onXendStart,
  onXendStop,
  nomigrate,
  description,
}: DomainDefinition): string =>
  JSON.stringify({ config, policies, onXendStart, onXendStop, nomigrate, description } satisfies DomainDefinition)

export const parseDefinition = (text: string): DomainDefinition | undefined => parsed<DomainDefinition>(text)

function parsed<T extends DomainDefinition>(text: string): T | undefined {
  try {
    const value = JSON.parse(text) as T
    return typeof value?.config?.uuid === 'string' && value.policies !== undefined ? value : undefined
  } catch {
    return undefined
  }
}
