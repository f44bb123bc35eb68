import type { CfgValue } from '../config/cfg-value.ts'

/** As JSON has it, which is what a plugin's schema reads. */
export function plain(value: CfgValue): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]))
  return Array.isArray(value) ? value.map(plain) : value
}
