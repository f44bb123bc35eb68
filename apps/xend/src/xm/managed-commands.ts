/** xm new, start and delete: domains that xend keeps while they do not run, too. */
import type { ListedDomain } from '../daemon/listed-domain.ts'
import type { Command } from './command.ts'
import { CONFIG_OPTIONS, configOfArguments, showConfig } from './config-arguments.ts'
import { showKeys } from './help-config.ts'
import { CONSOLE_OPTION, PAUSED_OPTION, runWithConsole } from './start-options.ts'

export const managedCommands: readonly Command[] = [
  {
    name: 'new',
    usage: '<ConfigFile> [options] [vars]',
    summary: 'Adds a domain to xend domain management.',
    args: [0, Number.POSITIVE_INFINITY],
    completes: ['file', 'text'],
    options: CONFIG_OPTIONS,
    async run(given, context) {
      if (showKeys(given, context)) return
      const found = await configOfArguments(given, context)
      if (showConfig(found, given, context)) return
      const made = await context.xend.call<{ name: string; uuid: string }>('domain.new', { settings: found.settings })
      if (given.json) context.stdout(`${JSON.stringify(made, undefined, 2)}\n`)
    },
  },
  {
    name: 'start',
    usage: '<DomainName>',
    summary: 'Start a xend managed domain.',
    args: [1, 1],
    completes: ['domain'],
    options: [PAUSED_OPTION, CONSOLE_OPTION],
    async run({ args: [domain], options, json }, { xend, stdout }) {
      await runWithConsole(xend, options, async (paused) => {
        const started = await xend.call<ListedDomain>('domain.start', { domain, paused })
        if (json) stdout(`${JSON.stringify(started, undefined, 2)}\n`)
        return started
      })
    },
  },
  {
    name: 'delete',
    usage: '<DomainName>',
    summary: 'Remove a domain from xend domain management.',
    args: [1, 1],
    completes: ['domain'],
    async run({ args: [domain] }, { xend }) {
      await xend.call('domain.delete', { domain })
    },
  },
]
