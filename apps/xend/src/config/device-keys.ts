/** Devices as a config file has them: texts, one for each, whose form the plugin of their kind knows. */
import { resolve } from 'node:path'
import { CodedError } from '@paravane/core'
import { parseVifSpec } from '@paravane/dev-net'
import type { CfgValue } from './cfg-value.ts'
import type { KeyType } from './key-types.ts'
import type { Setting } from './settings.ts'

/** By the key that asks for it: the kind of device, as xenstore has it, and how its text is read. */
const DEVICE_KEYS = {
  disk: { type: 'vbd', parse: (): void => {} },
  vif: { type: 'vif', parse: parseVifSpec },
} as const
export type DeviceKey = keyof typeof DEVICE_KEYS

/** A device that a domain is to have. */
export interface DeviceConfig {
  readonly type: (typeof DEVICE_KEYS)[DeviceKey]['type']
  /** As xm has it: `file:/disk.img,xvda,w`, `mac=00:16:3e:00:00:01,bridge=xenbr0`. */
  readonly config: string
  /** The setting that asks for it: see core's `DeviceRequest`. */
  readonly where?: string
}

/** @throws CodedError of the text's form, which begins with `where` */
export function deviceOf(key: DeviceKey, config: string, where: string): DeviceConfig {
  const { type, parse } = DEVICE_KEYS[key]
  try {
    parse(config)
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    throw new CodedError(error.details, `${where}: ${error.message}`, { cause: error })
  }
  return { type, config, where }
}

const textsOf = (value: CfgValue): readonly string[] | undefined => {
  const list: CfgValue = typeof value === 'string' ? [value] : value
  if (!Array.isArray(list)) return undefined
  const texts = list.filter((one): one is string => typeof one === 'string' && !one.includes('\0'))
  return texts.length === list.length ? texts : undefined
}

/** One alone need not be in a list; an empty text is none. */
export const DISKS: KeyType<readonly string[]> = {
  expected: "a list of disks, each such as 'file:/path,xvda,w'",
  read: (value) => (asksForNone(value) || value === '' ? [] : textsOf(value)),
}

/** An empty text is a card with all that is usual. */
export const CARDS: KeyType<readonly string[]> = {
  expected: "a list of network cards, each such as 'bridge=NAME,mac=00:16:3e:00:00:01', or '' for one as usual",
  read: (value) => (asksForNone(value) ? [] : textsOf(value)),
}

const asksForNone = (value: CfgValue): boolean => value === 0 || value === false

/** Schemes whose target is none of a file: a device below /dev, a volume, an address. */
const NO_FILES: ReadonlySet<string> = new Set(['phy', 'lvm', 'nbd', 'iscsi', 'drbd'])
const SCHEME = /^((?:tap2?:(?:tapdisk:)?)?([a-z][a-z0-9]*):)([^,]*)/
const TARGET = /(^|,\s*)(target=)(.*)$/s

/** A disk whose file is named from the root: in xm's form behind the schemes, in xl's first or behind `target=`. */
export function wholeDisk(text: string, folder: string): string {
  const scheme = SCHEME.exec(text)
  if (scheme !== null) {
    const [head, schemes, last = '', path = ''] = scheme
    return NO_FILES.has(last) || path === '' ? text : `${schemes}${resolve(folder, path)}${text.slice(head.length)}`
  }
  if (TARGET.test(text)) {
    return text.replace(TARGET, (_, before, key, path) => `${before}${key}${resolve(folder, path.trim())}`)
  }
  const [path = '', ...rest] = text.split(',')
  return path === '' || path.includes('=') ? text : [resolve(folder, path.trim()), ...rest].join(',')
}

/** The same for each disk of a setting: relative paths begin where the user is, whoever acts on them. */
export function withWholeDisks(setting: Setting, folder: string): Setting {
  const texts = setting.key === 'disk' ? DISKS.read(setting.value) : undefined
  return texts === undefined ? setting : { ...setting, value: texts.map((text) => wholeDisk(text, folder)) }
}
