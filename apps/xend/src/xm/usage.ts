/** The texts of `xm help` and of `xm COMMAND --help`. */
import { JSON_OPTION } from './arguments.ts'
import type { Command, CommandOption } from './command.ts'

const NAME_WIDTH = 20

export const usageLine = ({ name, usage }: Command): string => `Usage: xm ${name}${usage === '' ? '' : ` ${usage}`}\n`

export const optionNames = ({ long, short, value }: CommandOption): string =>
  `${short === undefined ? '' : `-${short}, `}--${long}${value === undefined ? '' : `=${value}`}`

export function usageOf(command: Command): string {
  const rows = [...(command.options ?? []), JSON_OPTION].map((option): [string, string] => [
    optionNames(option),
    option.about,
  ])
  const width = Math.max(...rows.map(([names]) => names.length))
  const table = rows.map(([names, about]) => `  ${names.padEnd(width)}  ${about}\n`).join('')
  return `${usageLine(command)}\n${command.summary}\n\n${table}`
}

/** Of all commands. */
export function fullHelp(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => ` ${name.padEnd(NAME_WIDTH)} ${summary}\n`).join('')
  return `Usage: xm <subcommand> [args]\n\nControl, list, and manipulate Paravane guest instances.\n\nxm full list of subcommands:\n\n${rows}
<Domain> can either be the Domain Name or Id.
'xm help <subcommand>' has a subcommand's options; 'man xm-<subcommand>' has more.
`
}
