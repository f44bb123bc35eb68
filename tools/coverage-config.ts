/** `npm run coverage:config`: writes docs/config-keys.md from the tables of keys. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DOMAIN_KEYS } from '../apps/xend/src/config/domain-keys.ts'
import { REFUSED_KEYS } from '../apps/xend/src/config/refused-keys.ts'
import { XEND_KEYS } from '../apps/xend/src/settings/xend-keys.ts'

export const PAGE: string = fileURLToPath(new URL('../docs/config-keys.md', import.meta.url))
/** Longer lists are shown by their ends. */
const SHOWN_VALUES = 4

const cells = (...texts: readonly string[]): string => `| ${texts.join(' | ')} |`

function harmlessOf(harmless: readonly unknown[]): string {
  const shown = harmless.map((value) => `\`${JSON.stringify(value).replaceAll('"', "'")}\``)
  return shown.length > SHOWN_VALUES ? `${shown[0]} to ${shown.at(-1)}` : shown.join(', ')
}

export function keysPage(): string {
  const done = Object.entries(DOMAIN_KEYS)
  const refused = [...REFUSED_KEYS].sort(([a], [b]) => (a < b ? -1 : 1))
  return [
    '# Keys of a config file',
    '',
    '<!-- Made by `npm run coverage:config` from the tables in apps/xend/src/config and settings: change the tables, not this page. -->',
    '',
    `Every key of Xen's classic list (xm and xend 4.1) is known: ${done.length} are done and ${refused.length} are refused by name, with the reason. A key`,
    'that nobody knows is warned of and has no effect. [How to run a guest](howto/run-a-guest.md) says how a file is written.',
    '',
    '## Done',
    '',
    cells('key', 'takes', 'without it', 'what it is'),
    cells('---', '---', '---', '---'),
    ...done.map(([key, { type, without, about }]) => cells(`\`${key}\``, type.expected, without, about)),
    '',
    '## Refused',
    '',
    'But for `None`, `0`, an empty text, list or dict, `no` and `off`, which ask for nothing, and for values that change nothing.',
    '',
    cells('key', 'changes nothing', 'why it is refused'),
    cells('---', '---', '---'),
    ...refused.map(([key, { because, harmless }]) => cells(`\`${key}\``, harmlessOf(harmless), because)),
    '',
    "## xend's own",
    '',
    'Keys of `xend.cfg` ([how](howto/xend.md)), which is written in the same way. The hypervisor keeps what it was started with until it',
    'ends: of these xend warns if its configuration has come to differ.',
    '',
    cells('key', 'takes', 'without it', 'what it is', 'whose'),
    cells('---', '---', '---', '---', '---'),
    ...Object.entries(XEND_KEYS).map(([key, { type, without, about, of }]) =>
      cells(`\`${key}\``, type.expected, without, about, of),
    ),
    '',
  ].join('\n')
}

if (import.meta.main) {
  const page = keysPage()
  const changed = page !== readFileSync(PAGE, { encoding: 'utf8', flag: 'a+' })
  writeFileSync(PAGE, page)
  console.log(`docs/config-keys.md ${changed ? 'is new' : 'was current'}: ${page.split('\n').length} lines`)
}
