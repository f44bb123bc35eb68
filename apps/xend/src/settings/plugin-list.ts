import type { PluginEntry } from '@paravane/core'
import type { CfgValue } from '../config/cfg-value.ts'
import type { KeyType } from '../config/key-types.ts'
import { plain } from './plain.ts'

/** A list of names and paths, or of dicts of `use`, `config` and `optional`; as an argument, names and paths with commas. */
export const pluginList: KeyType<readonly PluginEntry[]> = {
  expected: "a list of packages or paths, each 'NAME' or {'use': 'NAME', 'config': {...}}",
  read(value) {
    const list = typeof value === 'string' ? value.split(',').filter((part) => part !== '') : value
    if (!Array.isArray(list)) return undefined
    const entries = list.map(entryOf)
    return entries.every((entry) => entry !== undefined) ? entries : undefined
  },
}

const MEMBERS: ReadonlySet<unknown> = new Set(['use', 'config', 'optional'])

function entryOf(value: CfgValue): PluginEntry | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  if (!(value instanceof Map)) return undefined
  const use = value.get('use')
  if (typeof use !== 'string' || ![...value.keys()].every((member) => MEMBERS.has(member))) return undefined
  const config = value.get('config')
  return {
    use,
    ...(config === undefined ? {} : { config: plain(config) }),
    ...(value.has('optional') ? { optional: Boolean(value.get('optional')) } : {}),
  }
}
