/** xend's settings, from its file and its arguments. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CodedError } from '@paravane/core'
import { parseCfg } from '../config/cfg-parser.ts'
import { refuseValue } from '../config/refuse-value.ts'
import { type Setting, variableOf } from '../config/settings.ts'
import { configFile } from '../folders.ts'
import { refuseScript, refuseScripts } from './refused-xend-keys.ts'
import { isXendKey, XEND_KEYS, type XendKey, type XendSettings } from './xend-keys.ts'

export interface ReadSettings {
  readonly settings: XendSettings
  /** Where relative paths of `plugins` begin. */
  readonly pluginFolder: string
  /** What has no effect, a line each. */
  readonly warnings: readonly string[]
}

export interface XendArguments {
  readonly config?: string
  readonly settings: readonly Setting[]
}

/** `--config FILE`, `KEY=VALUE`, and options of old that stand for a key. @throws CodedError `USAGE` */
export function xendArguments(args: readonly string[]): XendArguments {
  const { values, positionals } = parsed(args)
  const given = positionals.map((argument): Setting => {
    refuseScript(argument.split('=')[0] as string, 'argument')
    const variable = variableOf(argument)
    if (variable !== undefined) return { ...variable, where: `argument ${variable.key}` }
    throw new CodedError({ code: 'USAGE' }, `${argument}: neither an option nor KEY=VALUE`)
  })
  const { config, pcpus, cpu } = values
  const options: Setting[] = [
    ...(pcpus === undefined ? [] : [{ key: 'pcpus', value: pcpus, where: '--pcpus' }]),
    ...(cpu === undefined ? [] : [{ key: 'cpu', value: cpu, where: '--cpu' }]),
    ...(values['no-keep'] ? [{ key: 'keep', value: false, where: '--no-keep' }] : []),
  ]
  return { config, settings: [...given, ...options] }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        config: { type: 'string' },
        pcpus: { type: 'string' },
        cpu: { type: 'string' },
        'no-keep': { type: 'boolean' },
      },
      allowPositionals: true,
    })
  } catch (error) {
    throw new CodedError({ code: 'USAGE' }, (error as Error).message)
  }
}

/**
 * Of several settings of a key the last one holds, and arguments against the file.
 * @param folder where paths of arguments begin
 * @throws CodedError `USAGE`, `CONFIG_FILE`, `CONFIG_SYNTAX` or `CONFIG_VALUE`
 */
export async function readSettings(args: readonly string[], folder: string): Promise<ReadSettings> {
  const { config, settings: given } = xendArguments(args)
  const file = config === undefined ? configFile() : resolve(folder, config)
  const judged = judgeSettings([...settingsOf(await textOf(file, config !== undefined), file), ...given])
  return { ...judged, pluginFolder: given.some(({ key }) => key === 'plugins') ? folder : dirname(file) }
}

/** One that was not named need not be there. */
async function textOf(file: string, isNamed: boolean): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && !isNamed) return ''
    const why = code === 'ENOENT' ? 'there is no such file' : code
    throw new CodedError({ code: 'CONFIG_FILE', file }, `${file}: xend's configuration cannot be read: ${why}`)
  }
}

/** @throws CodedError `CONFIG_SYNTAX`, `CONFIG_REFUSED` */
export function settingsOf(text: string, file: string): readonly Setting[] {
  refuseScripts(text, file)
  const { assignments } = parseCfg(text, file)
  return assignments.map(({ key, value, line }) => ({ key, value, where: `${file}:${line}: ${key}` }))
}

/** @throws CodedError `CONFIG_VALUE` */
export function judgeSettings(settings: readonly Setting[]): Omit<ReadSettings, 'pluginFolder'> {
  const chosen = new Map(settings.map((setting) => [setting.key, setting]))
  const known = Object.keys(XEND_KEYS).join(', ')
  const warnings = [...chosen.values()]
    .filter(({ key }) => !isXendKey(key))
    .map(({ where }) => `${where} is not known and has no effect; keys: ${known}`)
  const values = Object.entries(XEND_KEYS).map(([key, type]) => [key, chosenValue(chosen.get(key), type)])
  return { settings: Object.fromEntries(values) as unknown as XendSettings, warnings }
}

/** None asks for what there would be without it. */
function chosenValue(setting: Setting | undefined, { type, initial }: XendKey<unknown>): unknown {
  if (setting === undefined || setting.value === null) return initial
  return type.read(setting.value) ?? refuseValue(setting, type.expected)
}
