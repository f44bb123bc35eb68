import { CodedError } from '@paravane/core'
import type { CfgValue } from './cfg-value.ts'
import { quoted } from './quoted.ts'
import type { Setting } from './settings.ts'

/** @param expected what it may be: "a whole number from 1 to 64" @throws CodedError `CONFIG_VALUE` */
export function refuseValue({ key, value, where }: Setting, expected: string): never {
  throw new CodedError({ code: 'CONFIG_VALUE', key }, `${where} must be ${expected}, not ${shown(value)}`)
}

function shown(value: CfgValue): string {
  if (typeof value === 'string') return quoted(value)
  return typeof value === 'number' ? String(value) : 'what it is set to'
}
