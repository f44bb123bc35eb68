/** xm create --help_config: the keys that a config file may have. */
import { DOMAIN_KEYS } from '../config/domain-keys.ts'
import type { CommandContext, Given } from './command.ts'

/** @returns whether that was all that is wanted */
export function showKeys({ options, json }: Given, { stdout }: CommandContext): boolean {
  if (!options.has('help_config')) return false
  const keys = Object.entries(DOMAIN_KEYS).map(([key, { type, without, about }]) => ({
    key,
    takes: type.expected,
    without,
    about,
  }))
  const text = keys.map(
    ({ key, takes, without, about }) => ` ${key}\n     ${about}\n     ${takes}; without it: ${without}\n`,
  )
  stdout(json ? `${JSON.stringify(keys, undefined, 2)}\n` : text.join('').replaceAll('`', ''))
  return true
}
