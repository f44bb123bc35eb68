/** What a command is given, from the words behind its name. */
import { parseArgs } from 'node:util'
import { CodedError } from '@paravane/core'
import type { Command, CommandOption, Given } from './command.ts'

/** Every command has it. */
export const JSON_OPTION: CommandOption = { long: 'json', about: 'Print one JSON document.' }

/** @throws CodedError `USAGE` */
export function given(command: Command, argv: readonly string[]): Given {
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

function wrongCount({ name, args: [min, max] }: Command): CodedError<{ code: string }> {
  const counted = (n: number): string => `${n} argument${n === 1 ? '' : 's'}`
  const needed =
    min === max
      ? `requires ${counted(min)}`
      : max === Number.POSITIVE_INFINITY
        ? `requires at least ${counted(min)}`
        : `requires between ${min} and ${counted(max)}`
  return new CodedError({ code: 'USAGE' }, `'xm ${name}' ${needed}.`)
}
