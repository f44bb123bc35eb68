/** Menus of boot loaders that a guest wrote: any text becomes a menu within bounds, whose default can be started, and soon. */
import { type BootMenu, chooseEntry, plain } from '../../../apps/xend/src/bootloader/boot-menu.ts'
import { readExtlinux } from '../../../apps/xend/src/bootloader/extlinux.ts'
import { readGrubConfig } from '../../../apps/xend/src/bootloader/grub-config.ts'
import { readGrubLegacy } from '../../../apps/xend/src/bootloader/grub-legacy.ts'
import type { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { demand, type Judge, type Target } from '../target.ts'

const MOST_TOKENS = 120
const MOST_ENTRIES = 1000
/** Of one text, ms: there are bounds, and a slow machine. */
const LIMIT_MS = 5000

const TOKENS: readonly string[] = [
  ...[
    'menuentry ',
    'submenu ',
    'linux ',
    'initrd ',
    'multiboot ',
    'module ',
    'set ',
    'unset ',
    'load_env',
    'function f ',
  ],
  ...[
    'if ',
    'then ',
    'elif ',
    'else ',
    'fi',
    'for x in 1 2; do ',
    'while true; do ',
    'done',
    '[ ',
    ' ]',
    'test ',
    '! ',
    'true',
    'false',
  ],
  ...[
    ' { ',
    ' }',
    '{',
    '}',
    '\n',
    '\n',
    '\n',
    ';',
    ' ',
    "'",
    '"',
    '\\',
    '\\\n',
    '#',
    '$',
    '$a',
    '$\x7ba}',
    '"$a"',
    '${',
    '$$',
    '$?',
    '=',
  ],
  ...[
    'a=',
    'a=$a$a',
    'default=',
    'default="1>2"',
    '-s $prefix/grubenv',
    ' = ',
    ' != ',
    ' -z ',
    '--id ',
    '--id=i ',
    '--class c ',
  ],
  ...[
    "'t' { linux /k root=/dev/xvda1\ninitrd /i\n}\n",
    'menuentry x { linux (hd0,1)/k $a; initrd /i /j; }\n',
    'submenu s {\n',
  ],
  ...[
    'title ',
    'kernel ',
    'default 1\n',
    'default=2\n',
    'LABEL l\n',
    'APPEND initrd=a,b ',
    'MENU LABEL ^m\n',
    'MENU DEFAULT\n',
    'kernel /xen.gz\nmodule /k\n',
  ],
  ...[
    '\0',
    '\r',
    '\x1b[2J',
    '\u{1f600}',
    '\ud800',
    '../../..',
    '/dev/mem',
    '__proto__',
    'constructor',
    '99999999999999999999',
    '-1',
    '1>1>1>1',
  ],
]
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\x00-\x1f\x7f-\x9f]/

export type ReadMenu = (text: string, environment: string) => BootMenu
const READERS: readonly ReadMenu[] = [
  readGrubConfig,
  readGrubConfig,
  (text) => readGrubLegacy(text),
  (text) => readExtlinux(text, '/boot'),
]

class BootMenusJudge implements Judge {
  readonly #tape = new Tape()
  readonly #readers: readonly ReadMenu[]

  constructor(readers: readonly ReadMenu[]) {
    this.#readers = readers
  }

  make(random: Random): Uint8Array {
    return random.fill(new Uint8Array(3 + random.below(MOST_TOKENS)))
  }

  judge(bytes: Uint8Array): number {
    const tape = this.#tape.open(bytes)
    const read = tape.pick(this.#readers)
    const environment = `next_entry=${tape.pick(TOKENS)}\ndefault=${tape.pick(TOKENS)}\n`
    let text = ''
    for (let n = 3; n < bytes.length; n++) text += tape.pick(TOKENS)
    const begin = performance.now()
    const menu = read(text, environment)
    demand(performance.now() - begin < LIMIT_MS, 'a menu that takes long')
    demand(menu.entries.length <= MOST_ENTRIES, 'more entries than there may be')
    demand(
      menu.entries.every(({ kernel }) => typeof kernel === 'string'),
      'an entry without a kernel',
    )
    if (menu.entries.length > 0) chooseEntry(menu, undefined, 'the menu')
    for (const { title } of menu.entries) demand(!CONTROL.test(plain(title)), 'a title that acts on a terminal')
    return 1
  }
}

/** @param readers what is judged; a test gives a wrong one */
export function bootMenusTarget(readers: readonly ReadMenu[] = READERS): Target {
  return {
    name: 'boot-menus',
    input: 'one menu of a boot loader',
    stride: 1,
    life: 1 << 20,
    open: () => new BootMenusJudge(readers),
  }
}
