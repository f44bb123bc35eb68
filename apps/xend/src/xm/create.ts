/** xm create: has xend make a domain of a config file. */
import type { ListedDomain } from '../daemon/daemon-verbs.ts'
import type { Command } from './command.ts'
import { CONFIG_OPTIONS, configOfArguments } from './config-arguments.ts'
import { attachConsole } from './console.ts'

export const create: Command = {
  name: 'create',
  usage: '<ConfigFile> [options] [vars]',
  summary: 'Create a domain based on <ConfigFile>.',
  args: [0, Number.POSITIVE_INFINITY],
  completes: ['file', 'text'],
  options: [
    ...CONFIG_OPTIONS,
    { long: 'paused', short: 'p', about: 'Leave the domain paused after it is created.' },
    { long: 'console_autoconnect', short: 'c', about: 'Connect to the console after the domain is created.' },
    { long: 'dryrun', short: 'n', about: 'Check the configuration, and print what the domain would be made of.' },
  ],
  async run(given, context) {
    const { options, json } = given
    const { xend, stdout } = context
    const say = (line: string): void => {
      if (!options.has('quiet') && !json) stdout(`${line}\n`)
    }
    const { file, config, settings } = await configOfArguments(given, context)
    if (options.has('dryrun')) {
      stdout(`${JSON.stringify(config, undefined, 2)}\n`)
      return
    }
    say(`Using config file "${file}".`)
    const paused = options.has('paused') || options.has('console_autoconnect')
    const made = await xend.call<ListedDomain>('domain.create', { settings, paused })
    if (json) stdout(`${JSON.stringify(made, undefined, 2)}\n`)
    else say(`Started domain ${made.name} (id=${made.domid})`)
    if (!options.has('console_autoconnect')) return
    // Before its first instruction, so that nothing is missed.
    const attached = attachConsole(made.domid)
    if (!options.has('paused')) await xend.call('domain.unpause', { domain: String(made.domid) })
    await attached
  },
}
