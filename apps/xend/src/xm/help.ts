import type { Command } from './command.ts'
import { lookup } from './lookup.ts'
import { fullHelp, usageOf } from './usage.ts'

/** @param commands all there are, this one included */
export const help = (commands: () => readonly Command[]): Command => ({
  name: 'help',
  usage: '[subcommand]',
  summary: 'List the subcommands, or show how one is used.',
  args: [0, 1],
  completes: ['command'],
  async run({ args: [name], json }, { stdout, stderr }) {
    const chosen = name === undefined ? commands() : [lookup(commands(), name, stderr)]
    if (json) stdout(`${JSON.stringify(chosen, undefined, 2)}\n`)
    else stdout(name === undefined ? fullHelp(chosen) : usageOf(chosen[0] as Command))
  },
})
