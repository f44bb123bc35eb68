/** What parameters of the control socket's methods may be. */
import { type ConfigKey, type DeviceRequest, wholeNumber } from '@paravane/core'
import { DOMAIN_NAME } from '../domain-name.ts'

const LAST_DOMID = 0x7fef
const MAX_RECORD_CHARACTERS = 1 << 18

export const domid: ConfigKey<number> = wholeNumber({ min: 1, max: LAST_DOMID })
/** That of a vCPU; a domain says whether it has it. */
export const vcpu: ConfigKey<number> = wholeNumber({ min: 0, max: 63 })

export const optional = <T>(key: ConfigKey<T>): ConfigKey<T | undefined> => ({
  initial: undefined,
  expected: key.expected,
  accepts: (value): value is T | undefined => value === undefined || key.accepts(value),
})

export const oneOf = <const W extends string>(...words: readonly W[]): ConfigKey<W> => ({
  expected: new Intl.ListFormat('en', { type: 'disjunction' }).format(words),
  accepts: (value): value is W => (words as readonly unknown[]).includes(value),
})

export const recordText: ConfigKey<string> = {
  expected: `a text of at most ${MAX_RECORD_CHARACTERS} characters`,
  accepts: (value): value is string => typeof value === 'string' && value.length <= MAX_RECORD_CHARACTERS,
}

export const domainName: ConfigKey<string> = {
  expected: 'a name of letters, digits and _ . : + -',
  accepts: (value): value is string => typeof value === 'string' && DOMAIN_NAME.test(value),
}

export const pcpuNumbers: ConfigKey<readonly number[]> = { expected: 'a list of numbers of pCPUs', accepts: isNumbers }

export const vcpuNumbers: ConfigKey<readonly number[]> = { expected: 'a list of numbers of vCPUs', accepts: isNumbers }

/** One list for each vCPU. */
export const affinity: ConfigKey<readonly (readonly number[])[]> = {
  expected: 'a list of lists of numbers of pCPUs',
  accepts: (value): value is number[][] => Array.isArray(value) && value.every(isNumbers),
}

export const schedulerParams: ConfigKey<Readonly<Record<string, number>>> = {
  expected: 'numbers by the name of the parameter',
  accepts: (value): value is Record<string, number> =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && isNumbers(Object.values(value)),
}

/** What a domain may be sent; a paravirtual one takes the first. */
export const TRIGGERS = ['nmi', 'reset', 'init', 's3resume', 'power'] as const
/** As SysRq has them: one character that can be typed. */
export const SYSRQ_KEY: RegExp = /^[A-Za-z0-9]$/

export const sysrqKey: ConfigKey<string> = {
  expected: 'one letter or digit',
  accepts: (value): value is string => typeof value === 'string' && SYSRQ_KEY.test(value),
}

export const devices: ConfigKey<readonly DeviceRequest[]> = {
  expected: 'a list of {type, config, where}',
  accepts: (value): value is readonly DeviceRequest[] => Array.isArray(value) && value.every(isDevice),
}

function isDevice(value: unknown): value is DeviceRequest {
  if (typeof value !== 'object' || value === null) return false
  const { type, where } = value as Partial<DeviceRequest>
  return typeof type === 'string' && (where === undefined || typeof where === 'string')
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'number')
}
