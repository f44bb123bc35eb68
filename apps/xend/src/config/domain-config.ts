import { CodedError } from '@paravane/core'
import { readBootArguments } from '../bootloader/pygrub-arguments.ts'
import { atSetting } from './at-setting.ts'
import type { BootConfig } from './boot-config.ts'
import type { CpuSets } from './cpu-set.ts'
import { type DeviceConfig, type DeviceKey, deviceOf } from './device-keys.ts'
import { DOMAIN_KEYS, type DomainKey, type DomainKeyName, isActedOn, type ValueOf } from './domain-keys.ts'
import { type KernelArguments, kernelIp } from './kernel-arguments.ts'
import { DEFAULT_POLICIES, type Policies, RESTART_POLICIES } from './policies.ts'
import { refuseValue } from './refuse-value.ts'
import { isHarmless, REFUSED_KEYS } from './refused-keys.ts'
import type { Setting } from './settings.ts'

/** A file the user named, and the setting that names it. */
export interface NamedFile {
  readonly path: string
  readonly where: string
}

/** A domain to be created. Without a kernel, which one is for the caller to know. */
export interface DomainConfig {
  readonly name: string
  readonly uuid?: string
  readonly description?: string
  /** MiB. */
  readonly memory: number
  /** All of them. */
  readonly vcpus: number
  /** Those that the guest is to have up, if not all. */
  readonly online?: readonly number[]
  readonly kernel?: NamedFile
  readonly ramdisk?: NamedFile
  /** In place of kernel and ramdisk. */
  readonly boot?: BootConfig
  readonly args: KernelArguments
  /** In the order of the keys. */
  readonly devices: readonly DeviceConfig[]
  readonly weight?: number
  readonly cap?: number
  /** For each vCPU the pCPUs it may run on; those that are not named may run on all. */
  readonly affinity?: readonly (readonly number[])[]
  readonly nomigrate: boolean
  readonly policies: Policies
  readonly onXendStart: 'ignore' | 'start'
  readonly onXendStop: 'ignore' | 'shutdown'
}

const DEFAULT_MEMORY_MIB = 128
const CAP_OF_A_VCPU = 100

/**
 * Judges settings, of which a later one of the same key holds.
 * @param warn called with a line for each key that is not known, which has no effect
 * @throws CodedError `CONFIG_VALUE`, `CONFIG_REFUSED` or `CONFIG_INCOMPLETE`
 */
export function readDomainConfig(settings: readonly Setting[], warn: (line: string) => void): DomainConfig {
  const chosen = new ChosenSettings(settings)
  chosen.refuseOthers(warn)
  const name = chosen.read('name')
  if (name === undefined) {
    throw new CodedError({ code: 'CONFIG_INCOMPLETE' }, "the guest has no name; add name = 'a-name' or name=a-name")
  }
  chosen.read('builder')
  const memory = chosen.read('memory') ?? DEFAULT_MEMORY_MIB
  chosen.demand('maxmem', (max) => max === memory, `that of memory, ${memory}: memory is fixed while a guest runs`)
  const { vcpus, online } = readVcpus(chosen)
  const most = CAP_OF_A_VCPU * vcpus
  chosen.demand('cpu_cap', (cap) => cap <= most, `at most ${CAP_OF_A_VCPU} for each of the ${vcpus} vcpus`)
  chosen.demand('cpus', (sets) => 'all' in sets || sets.each.length <= vcpus, `a list of at most ${vcpus}, as vcpus is`)
  return {
    name,
    uuid: chosen.read('uuid')?.toLowerCase(),
    description: chosen.read('description'),
    memory,
    vcpus,
    online,
    ...readKernel(chosen),
    args: readArguments(chosen),
    devices: [...chosen.devices('disk'), ...chosen.devices('vif')],
    weight: chosen.read('cpu_weight'),
    cap: chosen.read('cpu_cap'),
    affinity: affinityOf(chosen.read('cpus'), chosen.read('cpu'), vcpus),
    nomigrate: chosen.read('nomigrate') ?? false,
    policies: readPolicies(chosen),
    onXendStart: chosen.read('on_xend_start') ?? 'ignore',
    onXendStop: chosen.read('on_xend_stop') ?? 'ignore',
  }
}

function readKernel(chosen: ChosenSettings): Pick<DomainConfig, 'kernel' | 'ramdisk' | 'boot'> {
  const loader = chosen.read('bootloader')
  const args = chosen.checked('bootargs', readBootArguments)
  const entry = chosen.read('bootentry') || undefined
  if (!loader) return { kernel: chosen.file('kernel'), ramdisk: chosen.file('ramdisk') }
  chosen.demand('bootloader', () => Boolean(chosen.read('disk')?.length), 'left out without disk: it has to be read')
  return { boot: { loader, args, entry, kernel: chosen.read('kernel'), ramdisk: chosen.read('ramdisk') } }
}

function readArguments(chosen: ChosenSettings): KernelArguments {
  const [server, path] = [chosen.read('nfs_server'), chosen.read('nfs_root')]
  chosen.demand('nfs_root', () => Boolean(server) || !path, 'empty without nfs_server, which it is on')
  const ip = kernelIp({
    ip: chosen.read('ip'),
    server,
    gateway: chosen.read('gateway'),
    netmask: chosen.read('netmask'),
    hostname: chosen.read('hostname'),
    interface: chosen.read('interface'),
    dhcp: chosen.read('dhcp'),
  })
  return { ip, root: chosen.read('root'), nfsRoot: path ? `${server}:${path}` : undefined, extra: chosen.read('extra') }
}

function readPolicies(chosen: ChosenSettings): Policies {
  const restart = chosen.read('restart')
  const others = restart === undefined ? DEFAULT_POLICIES : RESTART_POLICIES[restart]
  return {
    poweroff: chosen.read('on_poweroff') ?? others.poweroff,
    reboot: chosen.read('on_reboot') ?? others.reboot,
    crash: chosen.read('on_crash') ?? others.crash,
  }
}

function affinityOf(sets: CpuSets | undefined, cpu: number | undefined, vcpus: number): DomainConfig['affinity'] {
  if (sets === undefined) return cpu === undefined ? undefined : [[cpu]]
  return 'all' in sets ? Array.from({ length: vcpus }, () => sets.all) : sets.each
}

function readVcpus(chosen: ChosenSettings): Pick<DomainConfig, 'vcpus' | 'online'> {
  const up = chosen.read('vcpus') ?? chosen.read('maxvcpus') ?? 1
  chosen.demand('maxvcpus', (max) => max >= up, `at least ${up}, as vcpus is`)
  const vcpus = chosen.read('maxvcpus') ?? up
  chosen.demand('vcpu_avail', (mask) => mask % 2 === 1, 'an odd number: a guest has its first vCPU from the start')
  const mask = BigInt(chosen.read('vcpu_avail') ?? (1n << BigInt(up)) - 1n)
  const online = Array.from({ length: vcpus }, (_, vcpu) => vcpu).filter((vcpu) => (mask >> BigInt(vcpu)) & 1n)
  return online.length === vcpus ? { vcpus } : { vcpus, online }
}

/** Of each key the setting that holds. */
class ChosenSettings {
  readonly #chosen = new Map<string, Setting>()

  constructor(settings: readonly Setting[]) {
    for (const setting of settings) {
      if (setting.value === null) this.#chosen.delete(setting.key)
      else this.#chosen.set(setting.key, setting)
    }
  }

  refuseOthers(warn: (line: string) => void): void {
    for (const { key, value, where } of this.#chosen.values()) {
      if (isActedOn(key)) continue
      const refused = REFUSED_KEYS.get(key)
      if (refused === undefined) warn(`${where} is not known and has no effect`)
      else if (!isHarmless(value, refused)) {
        throw new CodedError({ code: 'CONFIG_REFUSED', key }, `${where}: ${refused.because}; take it out`)
      }
    }
  }

  read<K extends DomainKeyName>(key: K): ValueOf<K> | undefined {
    const setting = this.#chosen.get(key)
    if (setting === undefined) return undefined
    const { type }: DomainKey<unknown> = DOMAIN_KEYS[key]
    return (type.read(setting.value) ?? refuseValue(setting, type.expected)) as ValueOf<K>
  }

  file(key: 'kernel' | 'ramdisk'): NamedFile | undefined {
    const path = this.read(key)
    return path === undefined ? undefined : { path, where: this.#chosen.get(key)?.where ?? key }
  }

  /** @throws CodedError of `check`, which begins with where the text is */
  checked(key: 'bootargs', check: (text: string) => unknown): string | undefined {
    const text = this.read(key) || undefined
    if (text !== undefined) atSetting(this.#chosen.get(key)?.where ?? key, () => check(text))
    return text
  }

  devices(key: DeviceKey): readonly DeviceConfig[] {
    const texts = this.read(key) ?? []
    return texts.map((config) => deviceOf(key, config, this.#chosen.get(key)?.where ?? key))
  }

  /** Refuses a value that does not fit the others. */
  demand<K extends DomainKeyName>(key: K, isFit: (value: ValueOf<K>) => boolean, expected: string): void {
    const value = this.read(key)
    if (value !== undefined && !isFit(value)) refuseValue(this.#chosen.get(key) as Setting, expected)
  }
}
