/** Devices as a config file has them: texts, one for each, whose form the plugin of their kind knows. */
import { parseDiskSpec } from '@paravane/dev-blk'
import { parseVifSpec } from '@paravane/dev-net'
import { atSetting } from './at-setting.ts'
import type { CfgValue } from './cfg-value.ts'
import type { KeyType } from './key-types.ts'

/** By the key that asks for it the kind of device, as xenstore has it. */
const DEVICE_KEYS = { disk: 'vbd', vif: 'vif' } as const
const PARSERS = { vbd: parseDiskSpec, vif: parseVifSpec } as const
export type DeviceKey = keyof typeof DEVICE_KEYS

/** A device that a domain is to have. */
export interface DeviceConfig {
  readonly type: (typeof DEVICE_KEYS)[DeviceKey]
  /** As xm has it: `file:/disk.img,xvda,w`, `mac=00:16:3e:00:00:01,bridge=xenbr0`. */
  readonly config: string
  /** The setting that asks for it: see core's `DeviceRequest`. */
  readonly where?: string
}

/** @throws CodedError of the text's form, which begins with `where` */
export function deviceOf(key: DeviceKey, config: string, where: string): DeviceConfig {
  const device = { type: DEVICE_KEYS[key], config, where }
  atSetting(where, () => checkDevice(device))
  return device
}

/** @throws CodedError of the text's form */
export function checkDevice({ type, config }: DeviceConfig): void {
  PARSERS[type](config)
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

const NONE: ReadonlySet<CfgValue> = new Set([0, false, '0', 'no', 'off'])
const asksForNone = (value: CfgValue): boolean => NONE.has(value)
