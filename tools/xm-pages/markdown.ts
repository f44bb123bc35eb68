/** docs/xm.md, from the table of xm's commands. */
import { JSON_OPTION } from '../../apps/xend/src/xm/arguments.ts'
import type { Command } from '../../apps/xend/src/xm/command.ts'
import { DEPRECATED, UNAVAILABLE } from '../../apps/xend/src/xm/unavailable.ts'
import { optionNames } from '../../apps/xend/src/xm/usage.ts'
import { ENVIRONMENT, EXIT_STATUS, INTRODUCTION } from './texts.ts'

const shown = (text: string): string => text.replaceAll('<', '&lt;')
const cell = (text: string): string => shown(text).replaceAll('|', '\\|')
const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``

const table = (header: readonly string[], rows: readonly (readonly string[])[]): readonly string[] => [
  ...[header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`),
  '',
]

function section({ name, usage, summary, about = [], options = [] }: Command): readonly string[] {
  return [
    `## xm ${name}`,
    '',
    `\`xm ${name} ${usage}`.trim().concat('`'),
    '',
    [summary, ...about].map(shown).join('\n\n'),
    '',
    ...(options.length === 0
      ? []
      : table(
          ['option', 'does'],
          options.map((option) => [code(optionNames(option)), cell(option.about)]),
        )),
  ]
}

export function xmPage(commands: readonly Command[]): string {
  const refused = Map.groupBy(UNAVAILABLE, ([, reason]) => reason)
  return [
    '# xm',
    '',
    '<!-- Made by `npm run xm-pages` from the table of commands: change the commands, not this page. -->',
    '',
    ...INTRODUCTION.flatMap((text) => [text, '']),
    `Every subcommand has \`${optionNames(JSON_OPTION)}\`. The same texts are manual pages, in \`apps/xend/man\`; \`xm help\` has the list, and`,
    '`xm completion` teaches them to a shell.',
    '',
    ...table(
      ['exit status', 'means'],
      EXIT_STATUS.map(([status, text]) => [status, cell(text)]),
    ),
    ...table(
      ['variable', 'says'],
      ENVIRONMENT.map(([name, text]) => [code(name), cell(text)]),
    ),
    ...commands.flatMap(section),
    '## Names that are refused',
    '',
    'They are those of the classic xm; xm knows them, and says what is missing.',
    '',
    ...table(
      ['names', 'why'],
      [...refused].map(([reason, names]) => [names.map(([name]) => code(name)).join(' '), cell(reason)]),
    ),
    `Names that were given up long ago are taken for what took their place, with a line about it on standard error: ${[...DEPRECATED].map(([name, instead]) => `${code(name)} for ${code(instead)}`).join(', ')}.`,
    '',
  ].join('\n')
}
