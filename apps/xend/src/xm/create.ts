/** xm create: has xend make a domain of a config file. */
import type { ListedDomain } from '../daemon/listed-domain.ts'
import type { Command } from './command.ts'
import { CONFIG_OPTIONS, configOfArguments, showConfig } from './config-arguments.ts'
import { showKeys } from './help-config.ts'
import { CONSOLE_OPTION, PAUSED_OPTION, runWithConsole } from './start-options.ts'

export const create: Command = {
  name: 'create',
  usage: '<ConfigFile> [options] [vars]',
  summary: 'Create a domain based on <ConfigFile>.',
  args: [0, Number.POSITIVE_INFINITY],
  completes: ['file', 'text'],
  options: [...CONFIG_OPTIONS, PAUSED_OPTION, CONSOLE_OPTION],
  async run(given, context) {
    const { options, json } = given
    const { xend, stdout } = context
    if (showKeys(given, context)) return
    const found = await configOfArguments(given, context)
    if (showConfig(found, given, context)) return
    await runWithConsole(xend, options, async (paused) => {
      const made = await xend.call<ListedDomain>('domain.create', { settings: found.settings, paused })
      if (json) stdout(`${JSON.stringify(made, undefined, 2)}\n`)
      else if (!options.has('quiet')) stdout(`Started domain ${made.name} (id=${made.domid})\n`)
      return made
    })
  },
}
