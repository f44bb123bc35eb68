/** The part of the settings that the hypervisor is started with, as the arguments that say it: `key=` and JSON. */
import { XEND_KEYS, type XendKeyName, type XendSettings } from './xend-keys.ts'

export interface HypervisorSettings extends Omit<XendSettings, 'readers' | 'metrics_port'> {
  /** Where relative paths of `plugins` begin. */
  readonly pluginFolder: string
}

const KEYS = (Object.keys(XEND_KEYS) as XendKeyName[]).filter((key) => XEND_KEYS[key].of !== 'xend')
const INITIAL = KEYS.map((key): readonly [string, unknown] => [key, XEND_KEYS[key].initial])

/** Of what is as it would be anyway nothing is said. */
export function hypervisorArguments(settings: XendSettings, pluginFolder: string): readonly string[] {
  const chosen = KEYS.filter((key) => settings[key] !== XEND_KEYS[key].initial).map((key) =>
    argument(key, settings[key]),
  )
  return settings.plugins.length === 0 ? chosen : [...chosen, argument('pluginFolder', pluginFolder)]
}

const argument = (key: string, value: unknown): string => `${key}=${JSON.stringify(value)}`

export function hypervisorSettings(args: readonly string[]): HypervisorSettings {
  const given = args.map((arg): readonly [string, unknown] => {
    const at = arg.indexOf('=')
    return [arg.slice(0, at), JSON.parse(arg.slice(at + 1))]
  })
  return Object.fromEntries([...INITIAL, ['pluginFolder', '/'], ...given]) as unknown as HypervisorSettings
}

/** A line for each key in which a hypervisor that runs differs from what is wanted. */
export function differences(wanted: readonly string[], running: readonly string[]): readonly string[] {
  const values = (args: readonly string[]) => new Map<string, unknown>(Object.entries(hypervisorSettings(args)))
  const [next, now] = [values(wanted), values(running)]
  const text = (value: unknown): string => JSON.stringify(value) ?? 'nothing'
  return KEYS.filter((key) => text(next.get(key)) !== text(now.get(key))).map(
    (key) =>
      `${key}: the hypervisor that runs has ${text(now.get(key))}, and not ${text(next.get(key))}; 'xend stop --guests' and 'xend start' change that`,
  )
}
