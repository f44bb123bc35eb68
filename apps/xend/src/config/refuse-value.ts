import { CodedError } from '@paravane/core'
import type { CfgValue } from './cfg-value.ts'
import type { Setting } from './settings.ts'

/** @param expected what it may be: "a whole number from 1 to 64" @throws CodedError `CONFIG_VALUE` */
export function refuseValue({ key, value, where }: Setting, expected: string): never {
  throw new CodedError({ code: 'CONFIG_VALUE', key }, `${where} must be ${expected}, not ${shown(value)}`)
}

const shown = (value: CfgValue): string =>
  typeof value === 'string' || typeof value === 'number' ? JSON.stringify(value) : 'what it is set to'
