/** What xm create and xm new are given: a config file, read here, where its paths mean something, and variables. */
import { stat } from 'node:fs/promises'
import { isAbsolute, resolve } from 'node:path'
import { CodedError } from '@paravane/core'
import { withWholeDisks } from '../config/disk-text.ts'
import { type DomainConfig, readDomainConfig } from '../config/domain-config.ts'
import { isActedOn } from '../config/domain-keys.ts'
import { readSettings, type Setting, type Variable, variableOf } from '../config/settings.ts'
import { checkGuestFile, readGuestFile } from '../start/guest-file.ts'
import { GUESTS, guestDisk } from '../start/guests.ts'
import { configSxp } from '../sxp/config-sxp.ts'
import { prettySxp } from '../sxp/sxp.ts'
import type { CommandContext, CommandOption, Given } from './command.ts'

const SEARCHED = '.:/etc/xen:/etc/paravane'
const FILES: ReadonlySet<string> = new Set(['kernel', 'ramdisk'])

/** Of the classic xm, and not there, with the reason. */
const REFUSED_OPTIONS: readonly (Omit<CommandOption, 'about'> & { readonly because: string })[] = [
  {
    long: 'xmldryrun',
    short: 'x',
    because: 'there is no XML form of a config; -n prints it as an S-expression, and with --json as JSON',
  },
  { long: 'config', short: 'F', value: '<FILE>', because: 'S-expressions are printed, not read; give a config file' },
  { long: 'skipdtd', short: 's', because: 'there is no XML form of a config, and so no DTD' },
  { long: 'vncviewer', because: 'guests have no display yet' },
  { long: 'vncviewer-autopass', because: 'guests have no display yet' },
]

export const CONFIG_OPTIONS: readonly CommandOption[] = [
  { long: 'quiet', short: 'q', about: 'Quiet.' },
  {
    long: 'path',
    value: '<PATH>',
    completes: 'file',
    about: `Search path for config files, folders with a colon between them (${SEARCHED}).`,
  },
  { long: 'defconfig', short: 'f', value: '<FILE>', completes: 'file', about: 'Use the given config file.' },
  { long: 'dryrun', short: 'n', about: 'Print what xend would be given, and make nothing.' },
  { long: 'help_config', about: 'Print the keys that a config file may have.' },
  ...REFUSED_OPTIONS.map(({ because, ...option }): CommandOption => ({ ...option, about: `Refused: ${because}.` })),
  {
    long: 'guest',
    value: '<NAME>',
    completes: [...GUESTS.keys()],
    about: `Use files made on this machine: ${[...GUESTS.keys()].join(', ')}.`,
  },
]

/** A config as the user wrote it, judged. */
export interface GivenConfig {
  /** As it was found: for messages. */
  readonly file: string
  readonly config: DomainConfig
  /** Those that are acted on: what else there is was judged here, and has no effect. */
  readonly settings: readonly Setting[]
}

/** Warns of what has no effect. @throws CodedError `USAGE`, `CONFIG_FILE` and those of the config */
export async function configOfArguments({ args, options }: Given, context: CommandContext): Promise<GivenConfig> {
  const refused = REFUSED_OPTIONS.find(({ long }) => options.has(long))
  if (refused !== undefined) throw new CodedError({ code: 'USAGE' }, `--${refused.long}: ${refused.because}`)
  const [named, variables] = fileAndVariables(args, options)
  const file = await findConfig(named, options.get('path') ?? SEARCHED, context.folder)
  const text = await readGuestFile({ path: file, where: 'the config file' }, context.folder)
  const read = readSettings(text.toString(), file, variables)
  const boots = Boolean(read.findLast(({ key }) => key === 'bootloader')?.value)
  const settings = [
    ...read.map((setting) => withWholePath(setting, context.folder, boots)),
    ...(await guestFiles(options.get('guest'), read, context)),
  ]
  const config = readDomainConfig(settings, (line) => context.stderr(`Warning: ${line}\n`))
  // xend would say that it cannot read them, but not where they were named.
  for (const named of [config.kernel, config.ramdisk]) {
    if (named !== undefined) await checkGuestFile(named, context.folder)
  }
  return { file, config, settings: settings.filter(({ key }) => isActedOn(key)) }
}

/** Says which file is used, and all of it if nothing else is wanted. @returns whether that was all */
export function showConfig(
  { file, config, settings }: GivenConfig,
  { options, json }: Given,
  { stdout }: CommandContext,
): boolean {
  if (!options.has('quiet') && !json) stdout(`Using config file "${file}".\n`)
  if (!options.has('dryrun')) return false
  stdout(json ? `${JSON.stringify(config, undefined, 2)}\n` : prettySxp(configSxp(config, settings)))
  return true
}

function fileAndVariables(
  args: readonly string[],
  options: ReadonlyMap<string, string>,
): [file: string, variables: readonly Variable[]] {
  const given = options.get('defconfig')
  const [file, ...rest] = given === undefined ? args : [given, ...args]
  if (file === undefined) throw new CodedError({ code: 'USAGE' }, 'give a config file: xm create FILE')
  const variables = rest.map((argument) => {
    const variable = variableOf(argument)
    if (variable !== undefined) return variable
    throw new CodedError({ code: 'USAGE' }, `${argument}: a variable is written key=value`)
  })
  return [file, variables]
}

/** In the first folder that has it; an absolute path is taken as it is. */
async function findConfig(named: string, searched: string, folder: string): Promise<string> {
  if (isAbsolute(named)) return named
  for (const place of searched.split(':')) {
    const path = place === '' ? named : `${place.replace(/\/$/, '')}/${named}`
    const isThere = await stat(resolve(folder, path)).then(
      (found) => found.isFile(),
      () => false,
    )
    if (isThere) return path
  }
  throw new CodedError(
    { code: 'CONFIG_FILE', named },
    `there is no config file ${named} in ${searched}; give one that is there, or other folders with --path`,
  )
}

/** xend's own folder is another. @param boots kernel and ramdisk are on the guest's disk */
function withWholePath(setting: Setting, folder: string, boots: boolean): Setting {
  const { key, value } = setting
  if (boots || !FILES.has(key) || typeof value !== 'string' || value === '') return withWholeDisks(setting, folder)
  return { ...setting, value: resolve(folder, value) }
}

async function guestFiles(
  name: string | undefined,
  given: readonly Setting[],
  { stderr }: CommandContext,
): Promise<readonly Setting[]> {
  if (name === undefined) return []
  const kind = GUESTS.get(name)
  if (kind === undefined) {
    throw new CodedError({ code: 'USAGE' }, `--guest ${name}: it is one of ${[...GUESTS.keys()].join(', ')}`)
  }
  const options = { refresh: false, progress: (line: string) => stderr(`${line}\n`) }
  const made = await kind.make?.(options)
  if (made === undefined) return guestDisk(kind, given, options)
  const where = `--guest ${name}`
  return [
    { key: 'kernel', value: made.kernel, where },
    { key: 'ramdisk', value: made.ramdisk ?? null, where },
  ]
}
