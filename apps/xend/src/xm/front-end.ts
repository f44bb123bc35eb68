/** What xm does with its arguments before a command runs, and with errors after it (tools/python/xen/xm/main.py of 4.1). */
import { parseArgs } from 'node:util'
import { CodedError } from '@paravane/core'
import type { Command, CommandContext, CommandOption, Given } from './command.ts'

/** Faults of a domain that does not exist have their own exit status. */
const EXIT = { ok: 0, error: 1, unknownDomain: 3 } as const
const NAME_WIDTH = 20

export async function runXm(
  argv: readonly string[],
  commands: readonly Command[],
  context: CommandContext,
): Promise<number> {
  const { stdout, stderr } = context
  const [name, ...rest] = argv
  if (name === undefined) {
    stderr(help(commands))
    return EXIT.error
  }
  if (name === 'help' || name === '--help' || name === '-h') {
    stdout(help(commands))
    return EXIT.ok
  }
  const command = lookup(commands, name)
  if (command === undefined) {
    stderr(`Error: Subcommand ${name} not found!\n${help(commands)}`)
    return EXIT.error
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    stdout(usageOf(command))
    return EXIT.error
  }
  try {
    await command.run(given(command, rest), context)
    return EXIT.ok
  } catch (error) {
    return fail(error, command, stderr)
  }
}

/** Its whole name, or the beginning of one only. */
function lookup(commands: readonly Command[], name: string): Command | undefined {
  const exact = commands.find((command) => command.name === name)
  if (exact !== undefined) return exact
  const begun = commands.filter((command) => command.name.startsWith(name))
  return name.length > 1 && begun.length === 1 ? begun[0] : undefined
}

function given(command: Command, argv: readonly string[]): Given {
  const {
    options = [],
    args: [min, max],
  } = command
  const known = Object.fromEntries(
    [...options, JSON_OPTION].map(
      ({ long, short, value }): [string, { type: 'string' | 'boolean'; short?: string }] => [
        long,
        { type: value === undefined ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) },
      ],
    ),
  )
  let parsed: ReturnType<typeof parseArgs>
  try {
    parsed = parseArgs({ args: [...argv], options: known, allowPositionals: true })
  } catch (error) {
    throw new CodedError({ code: 'USAGE' }, (error as Error).message)
  }
  const { positionals, values } = parsed
  if (positionals.length < min || positionals.length > max) throw wrongCount(command)
  const { json, ...chosen } = values
  const entries = Object.entries(chosen).map(([long, value]): [string, string] => [
    long,
    value === true ? '' : String(value),
  ])
  return { args: positionals, options: new Map(entries), json: json === true }
}

const JSON_OPTION: CommandOption = { long: 'json', about: 'Print one JSON document.' }

function wrongCount({ name, args: [min, max] }: Command): CodedError<{ code: string }> {
  const needed =
    min === max ? `requires ${min} argument${min === 1 ? '' : 's'}` : `requires between ${min} and ${max} arguments`
  return new CodedError({ code: 'USAGE' }, `'xm ${name}' ${needed}.`)
}

function fail(error: unknown, command: Command, stderr: (text: string) => void): number {
  if (!(error instanceof CodedError)) throw error
  if (error.message !== '') stderr(`Error: ${error.message}\n`)
  if (error.code === 'DOMAIN_UNKNOWN') return EXIT.unknownDomain
  if (error.code === 'USAGE') stderr(usageOf(command))
  return EXIT.error
}

function usageOf({ name, usage, summary, options = [] }: Command): string {
  const rows = [...options, JSON_OPTION].map(({ long, short, value, about }): [string, string] => {
    const names = `${short === undefined ? '' : `-${short}, `}--${long}${value === undefined ? '' : `=${value}`}`
    return [names, about]
  })
  const width = Math.max(...rows.map(([names]) => names.length))
  const table = rows.map(([names, about]) => `  ${names.padEnd(width)}  ${about}\n`).join('')
  return `Usage: xm ${name} ${usage}\n\n${summary}\n\n${table}`
}

function help(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => ` ${name.padEnd(NAME_WIDTH)} ${summary}\n`).join('')
  return `Usage: xm <subcommand> [args]\n\nControl, list, and manipulate Paravane guest instances.\n\nxm full list of subcommands:\n\n${rows}
<Domain> can either be the Domain Name or Id.
For more help on 'xm' see the documentation in docs/; 'xm <subcommand> --help' has a command's options.
`
}
