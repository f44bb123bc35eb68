/** Manual pages of xm in mdoc(7), from the table of its commands. */
import { JSON_OPTION } from '../../apps/xend/src/xm/arguments.ts'
import type { Command, CommandOption } from '../../apps/xend/src/xm/command.ts'
import { DEPRECATED, UNAVAILABLE } from '../../apps/xend/src/xm/unavailable.ts'
import { ENVIRONMENT, EXIT_STATUS, FILES, INTRODUCTION } from './texts.ts'

/** Of the last change to what all pages have; mdoc wants one. */
const DATE = 'November 23, 2026'

/** A line of text as mdoc shows it, whatever it begins with. */
export function plain(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-')
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped
}

/** An argument of a macro. */
const argument = (text: string): string => `"${plain(text).replaceAll('"', '\\(dq')}"`

const head = (name: string, about: string): readonly string[] => [
  '.\\" Made by `npm run xm-pages` from the table of commands: change the commands, not this page.',
  `.Dd ${DATE}`,
  `.Dt ${name.toUpperCase()} 1`,
  '.Os Paravane',
  '.Sh NAME',
  `.Nm ${name}`,
  `.Nd ${about.replace(/\.$/, '')}`,
]

const paragraphs = (texts: readonly string[]): readonly string[] =>
  texts.flatMap((text, n) => [...(n === 0 ? [] : ['.Pp']), ...sentences(text)])

/** Each on a line of its own, as mdoc has it. */
const sentences = (text: string): readonly string[] => text.split(/(?<=[.!?]) (?=[A-Z])/).map(plain)

function optionItem({ long, short, value, about }: CommandOption): readonly string[] {
  const names = [...(short === undefined ? [] : [`Fl ${short}`]), `Fl \\-${long}`].join(' , ')
  return [`.It ${names}${value === undefined ? '' : ` Ar ${argument(value)}`}`, ...sentences(about)]
}

const list = (rows: readonly (readonly [tag: string, text: string])[]): readonly string[] => [
  '.Bl -tag -width Ds',
  ...rows.flatMap(([tag, text]) => [`.It ${argument(tag)}`, ...sentences(text)]),
  '.El',
]

const page = (lines: readonly string[]): string => `${lines.join('\n')}\n`

/** xm-NAME(1). */
export function commandManual(command: Command): string {
  const { name, usage, summary, about = [], options = [] } = command
  return page([
    ...head(`xm-${name}`, summary),
    '.Sh SYNOPSIS',
    `.Nm xm ${name}`,
    ...(usage === '' ? [] : [plain(usage)]),
    '.Sh DESCRIPTION',
    ...paragraphs([summary, ...about]),
    '.Sh OPTIONS',
    '.Bl -tag -width Ds',
    ...[...options, JSON_OPTION].flatMap(optionItem),
    '.El',
    '.Sh EXIT STATUS',
    ...list(EXIT_STATUS),
    '.Sh SEE ALSO',
    '.Xr xm 1',
  ])
}

/** xm(1). */
export function overviewManual(commands: readonly Command[]): string {
  return page([
    ...head('xm', 'control, list and manipulate guests of Paravane'),
    '.Sh SYNOPSIS',
    '.Nm xm',
    '.Ar subcommand',
    '.Op Ar args',
    '.Sh DESCRIPTION',
    ...paragraphs(INTRODUCTION),
    '.Sh SUBCOMMANDS',
    ...list(commands.map(({ name, usage, summary }) => [`${name} ${usage}`.trim(), summary])),
    '.Sh NOT THERE',
    'These names of the classic xm are known and refused:',
    ...list([...UNAVAILABLE].map(([name, reason]) => [name, `${reason}.`])),
    '.Pp',
    'Names that were given up long ago are taken for what took their place, with a line about it:',
    plain([...DEPRECATED].map(([name, instead]) => `${name} for ${instead}`).join(', ')).concat('.'),
    '.Sh ENVIRONMENT',
    ...list(ENVIRONMENT),
    '.Sh FILES',
    ...list(FILES),
    '.Sh EXIT STATUS',
    ...list(EXIT_STATUS),
    '.Sh SEE ALSO',
    ...commands.map(({ name }, n) => `.Xr xm-${name} 1${n === commands.length - 1 ? '' : ' ,'}`),
  ])
}
