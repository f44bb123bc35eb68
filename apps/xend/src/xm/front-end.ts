/** What xm does with its arguments before a command runs, and with errors after it (tools/python/xen/xm/main.py of 4.1). */
import { CodedError } from '@paravane/core'
import { given } from './arguments.ts'
import type { Command, CommandContext } from './command.ts'
import { lookup } from './lookup.ts'
import { fullHelp, usageOf } from './usage.ts'

/** Faults of a domain that does not exist have their own exit status. */
const EXIT = { ok: 0, error: 1, unknownDomain: 3 } as const

export async function runXm(
  argv: readonly string[],
  commands: readonly Command[],
  context: CommandContext,
): Promise<number> {
  const { stdout, stderr } = context
  const [name, ...rest] = argv
  if (name === undefined) {
    stderr(fullHelp(commands))
    return EXIT.error
  }
  if (name === '--help' || name === '-h') {
    stdout(fullHelp(commands))
    return EXIT.ok
  }
  let command: Command | undefined
  try {
    command = lookup(commands, name, stderr)
    if (rest.includes('--help') || rest.includes('-h')) {
      stdout(usageOf(command))
      return EXIT.error
    }
    await command.run(given(command, rest), context)
    return EXIT.ok
  } catch (error) {
    return fail(error, command, context)
  }
}

function fail(error: unknown, command: Command | undefined, { stderr, paintError }: CommandContext): number {
  if (!(error instanceof CodedError)) throw error
  if (error.message !== '') stderr(`${paintError('red', 'Error:')} ${error.message}\n`)
  if ('hint' in error.details) stderr(`${error.details.hint}\n`)
  if (error.code === 'DOMAIN_UNKNOWN') return EXIT.unknownDomain
  if (error.code === 'USAGE' && command !== undefined) stderr(usageOf(command))
  return EXIT.error
}
