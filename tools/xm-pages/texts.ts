/** What the pages about xm say beside its commands. */

export const INTRODUCTION: readonly string[] = [
  'xm speaks to xend, which keeps the guests of this host: it makes domains, shows them and ends them.',
  'A domain is named by its name or its number; names are looked through first. The beginning of a subcommand is enough where no other begins so. Options may stand before and after the arguments.',
  'With --json a subcommand that prints anything prints one JSON document instead.',
]

export const EXIT_STATUS: readonly (readonly [string, string])[] = [
  ['0', 'Done.'],
  [
    '1',
    "Not: a line that begins with 'Error:' says why, on standard error. So it is after wrong usage, which is shown, after --help, and after Ctrl-C.",
  ],
  ['3', 'There is no such domain.'],
  ['141', 'Nobody reads what is written, as when a pipe was closed.'],
]

export const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['PARAVANE_RUN', 'The folder of the sockets.'],
  ['PARAVANE_STATE', "The folder of xend's database, of the logs and of core dumps."],
  ['PARAVANE_CONFIG', "The file of xend's settings."],
  ['NO_COLOR', 'If it is not empty, nothing is coloured. Without it colours are shown on a terminal only.'],
  ['FORCE_COLOR', 'Colours are shown, wherever the text goes.'],
]

export const FILES: readonly (readonly [string, string])[] = [
  ['/run/paravane/xend.sock', "xend's socket, for root; for others below $XDG_RUNTIME_DIR."],
  ['/var/lib/paravane', 'What is kept, for root; for others ~/.local/state/paravane.'],
]
