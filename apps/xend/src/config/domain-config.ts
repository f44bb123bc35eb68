import { CodedError } from '@paravane/core'
import type { CfgValue } from './cfg-parser.ts'
import { DOMAIN_KEYS, type KeyType, REFUSED_KEYS } from './domain-keys.ts'
import { DEFAULT_POLICIES, type Policies } from './policies.ts'

/** One setting; `where` names it for messages, such as `guest.cfg:3: memory` or `--memory`. */
export interface Setting {
  readonly key: string
  readonly value: CfgValue
  readonly where: string
}

/** A file the user named, and the setting that names it. */
export interface NamedFile {
  readonly path: string
  readonly where: string
}

/** A domain to be created. Without a kernel, which one is for the caller to know. */
export interface DomainConfig {
  readonly name: string
  /** MiB. */
  readonly memory: number
  readonly vcpus: number
  readonly kernel?: NamedFile
  readonly ramdisk?: NamedFile
  /** The kernel command line: `root=` of the key root, then the key extra. */
  readonly cmdline: string
  readonly weight?: number
  readonly cap?: number
  readonly uuid?: string
  readonly policies: Policies
}

type Key = keyof typeof DOMAIN_KEYS
type ValueOf<K extends Key> = (typeof DOMAIN_KEYS)[K] extends KeyType<infer T> ? T : never

const DEFAULT_MEMORY_MIB = 128
const CAP_OF_A_VCPU = 100

/**
 * Judges settings, of which a later one of the same key holds.
 * @param warn called with a line for each key that is not known, which has no effect
 * @throws CodedError `CONFIG_KEY`, `CONFIG_VALUE`, `CONFIG_REFUSED` or `CONFIG_INCOMPLETE`
 */
export function readDomainConfig(settings: readonly Setting[], warn: (line: string) => void): DomainConfig {
  const chosen = new Map<string, Setting>()
  for (const setting of settings) {
    if (setting.value === null) chosen.delete(setting.key)
    else chosen.set(setting.key, setting)
  }
  for (const { key, value, where } of chosen.values()) {
    if (Object.hasOwn(DOMAIN_KEYS, key)) continue
    const reason = REFUSED_KEYS.get(key)
    if (reason === undefined) warn(`${where} is not known and has no effect`)
    else if (!asksForNothing(value)) {
      throw new CodedError({ code: 'CONFIG_REFUSED', key }, `${where}: ${reason}; take it out`)
    }
  }
  const read = <K extends Key>(key: K): ValueOf<K> | undefined => {
    const setting = chosen.get(key)
    const type: KeyType<string | number> = DOMAIN_KEYS[key]
    return setting && (readValue(setting, type) as ValueOf<K>)
  }
  const file = (key: 'kernel' | 'ramdisk'): NamedFile | undefined => {
    const path = read(key)
    return path === undefined ? undefined : { path, where: chosen.get(key)?.where ?? key }
  }
  const name = read('name')
  if (name === undefined) {
    throw new CodedError({ code: 'CONFIG_INCOMPLETE' }, "the guest has no name; add name = 'a-name' or name=a-name")
  }
  read('builder')
  const vcpus = read('vcpus') ?? 1
  const cap = read('cpu_cap')
  if (cap !== undefined && cap > CAP_OF_A_VCPU * vcpus) {
    refuseValue(chosen.get('cpu_cap'), `at most ${CAP_OF_A_VCPU} for each of the ${vcpus} vcpus`)
  }
  const root = read('root')
  return {
    name,
    memory: read('memory') ?? DEFAULT_MEMORY_MIB,
    vcpus,
    kernel: file('kernel'),
    ramdisk: file('ramdisk'),
    cmdline: [root && `root=${root}`, read('extra')].filter((part) => part).join(' '),
    weight: read('cpu_weight'),
    cap,
    uuid: read('uuid')?.toLowerCase(),
    policies: {
      poweroff: read('on_poweroff') ?? DEFAULT_POLICIES.poweroff,
      reboot: read('on_reboot') ?? DEFAULT_POLICIES.reboot,
      crash: read('on_crash') ?? DEFAULT_POLICIES.crash,
    },
  }
}

function readValue<T>(setting: Setting, type: KeyType<T>): T {
  return type.read(setting.value) ?? refuseValue(setting, type.expected)
}

function refuseValue(setting: Setting | undefined, expected: string): never {
  const { key, value, where } = setting ?? { key: '', value: null, where: '' }
  const shown = typeof value === 'string' || typeof value === 'number' ? JSON.stringify(value) : 'what it is set to'
  throw new CodedError({ code: 'CONFIG_VALUE', key }, `${where} must be ${expected}, not ${shown}`)
}

function asksForNothing(value: CfgValue): boolean {
  if (typeof value !== 'object' || value === null) return !value || value === 'off'
  return value instanceof Map ? value.size === 0 : Array.isArray(value) && value.length === 0
}
