/** xm create: reads a config file here, where its paths mean something, and has xend make the domain. */
import { resolve } from 'node:path'
import { CodedError } from '@paravane/core'
import { parseCfg } from '../config/cfg-parser.ts'
import { readDomainConfig, type Setting } from '../config/domain-config.ts'
import { DOMAIN_KEYS } from '../config/domain-keys.ts'
import type { ListedDomain } from '../daemon/daemon-verbs.ts'
import { readGuestFile } from '../start/guest-file.ts'
import { GUESTS } from '../start/guests.ts'
import type { Command, CommandContext } from './command.ts'
import { attachConsole } from './console.ts'

const OVERRIDE = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s
const FILES: ReadonlySet<string> = new Set(['kernel', 'ramdisk'])

export const create: Command = {
  name: 'create',
  usage: '<ConfigFile> [options] [vars]',
  summary: 'Create a domain based on <ConfigFile>.',
  args: [0, Number.POSITIVE_INFINITY],
  options: [
    { long: 'defconfig', short: 'f', value: '<FILE>', about: 'Use the given configuration file.' },
    { long: 'paused', short: 'p', about: 'Leave the domain paused after it is created.' },
    { long: 'console_autoconnect', short: 'c', about: 'Connect to the console after the domain is created.' },
    { long: 'dryrun', short: 'n', about: 'Check the configuration, and print what the domain would be made of.' },
    { long: 'quiet', short: 'q', about: 'Quiet mode.' },
    { long: 'guest', value: '<NAME>', about: `Use files made on this machine: ${[...GUESTS.keys()].join(', ')}.` },
  ],
  async run({ args, options, json }, context) {
    const { xend, stdout, stderr } = context
    const [file, vars] = fileAndVars(args, options)
    const settings = await settingsOf(file, vars, options.get('guest'), context)
    const say = (line: string): void => {
      if (!options.has('quiet') && !json) stdout(`${line}\n`)
    }
    if (options.has('dryrun')) {
      const config = readDomainConfig(settings, (line) => stderr(`Warning: ${line}\n`))
      stdout(`${JSON.stringify(config, undefined, 2)}\n`)
      return
    }
    say(`Using config file "${file}".`)
    readDomainConfig(settings, (line) => stderr(`Warning: ${line}\n`))
    const paused = options.has('paused') || options.has('console_autoconnect')
    const made = await xend.call<ListedDomain>('domain.create', { settings: settings.filter(isActedOn), paused })
    if (json) stdout(`${JSON.stringify(made, undefined, 2)}\n`)
    else say(`Started domain ${made.name} (id=${made.domid})`)
    if (!options.has('console_autoconnect')) return
    // Before its first instruction, so that nothing is missed.
    const attached = attachConsole(made.domid)
    if (!options.has('paused')) await xend.call('domain.unpause', { domain: String(made.domid) })
    await attached
  },
}

/** What else there is was judged here, and has no effect. */
const isActedOn = ({ key }: Setting): boolean => Object.hasOwn(DOMAIN_KEYS, key)

function fileAndVars(args: readonly string[], options: ReadonlyMap<string, string>): [string, readonly string[]] {
  const given = options.get('defconfig')
  if (given !== undefined) return [given, args]
  const [file, ...vars] = args
  if (file === undefined) throw new CodedError({ code: 'USAGE' }, 'give a config file: xm create FILE')
  return [file, vars]
}

async function settingsOf(
  file: string,
  vars: readonly string[],
  guest: string | undefined,
  { folder, stderr }: CommandContext,
): Promise<readonly Setting[]> {
  const bytes = await readGuestFile({ path: file, where: 'the config file' }, folder)
  const settings: Setting[] = [
    ...parseCfg(bytes.toString(), file).map(({ key, value, line }) => ({
      key,
      value,
      where: `${file}:${line}: ${key}`,
    })),
    ...vars.map((text) => {
      const match = OVERRIDE.exec(text)
      if (match === null) throw new CodedError({ code: 'USAGE' }, `${text}: a variable is written key=value`)
      return { key: match[1] as string, value: match[2] as string, where: `argument ${match[1]}` }
    }),
  ]
  const absolute = settings.map((setting) =>
    FILES.has(setting.key) && typeof setting.value === 'string' && setting.value !== ''
      ? { ...setting, value: resolve(folder, setting.value) }
      : setting,
  )
  if (guest === undefined) return absolute
  const kind = GUESTS.get(guest)
  if (kind === undefined)
    throw new CodedError({ code: 'USAGE' }, `--guest ${guest}: it is one of ${[...GUESTS.keys()].join(', ')}`)
  const made = await kind.make({ refresh: false, progress: (line) => stderr(`${line}\n`) })
  const where = `--guest ${guest}`
  return [
    ...absolute,
    { key: 'kernel', value: made.kernel, where },
    ...(made.ramdisk === undefined ? [] : [{ key: 'ramdisk', value: made.ramdisk, where }]),
  ]
}
