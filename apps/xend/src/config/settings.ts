/** What a user has set of a domain: a config file, and arguments `key=value`, which hold against it. */
import { basename } from 'node:path'
import { parseCfg } from './cfg-parser.ts'
import type { CfgValue } from './cfg-value.ts'
import { isKnownKey } from './domain-keys.ts'

/** One setting; `where` names it for messages, such as `guest.cfg:3: memory` or `--memory`. */
export interface Setting {
  readonly key: string
  readonly value: CfgValue
  readonly where: string
}

/** An argument `key=value`. */
export interface Variable {
  readonly key: string
  readonly value: string
}

const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s

/** Undefined for an argument that is none. */
export function variableOf(argument: string): Variable | undefined {
  const match = VARIABLE.exec(argument)
  return match === null ? undefined : { key: match[1] as string, value: match[2] as string }
}

/**
 * The settings of a file and of arguments, of which a later one of the same key holds. Without another name a domain has the
 * file's. A variable that the file only reads is no setting.
 * @throws CodedError `CONFIG_SYNTAX`
 */
export function readSettings(text: string, file: string, given: readonly Variable[]): readonly Setting[] {
  const { assignments, read } = parseCfg(text, file, new Map(given.map(({ key, value }) => [key, value])))
  const settings: Setting[] = [
    { key: 'name', value: basename(file), where: `${file}: the file's name as name` },
    ...assignments.map(({ key, value, line }) => ({ key, value, where: `${file}:${line}: ${key}` })),
    ...given.map(({ key, value }) => ({ key, value, where: `argument ${key}` })),
  ]
  return settings.filter(({ key }) => isKnownKey(key) || !read.has(key))
}
