/** The menu of a grub.cfg. Only what leads to kernels is acted on: variables, conditions, entries; all else is passed over. */
import type { BootEntry, BootMenu } from './boot-menu.ts'
import { type Command, parseGrubScript, type Word } from './grub-script.ts'

const MOST_ENTRIES = 1000
const LONGEST_VALUE = 64 << 10
const MOST_VARIABLES = 1000
/** Of the whole evaluation, characters: variables that double themselves end there. */
const LONGEST_WORK = 8 << 20

const KERNEL_COMMANDS: ReadonlySet<string> = new Set(['linux', 'linux16', 'linuxefi'])
const RAMDISK_COMMANDS: ReadonlySet<string> = new Set(['initrd', 'initrd16', 'initrdefi'])
const MODULE_COMMANDS: ReadonlySet<string> = new Set(['module', 'module2'])
/** Options of menuentry and submenu that have a value. */
const VALUED: ReadonlySet<string> = new Set(['--class', '--id', '--users', '--hotkey', '--source'])

/** What a top-level item is, for `default`, which counts those. */
interface Item {
  readonly title: string
  readonly id?: string
  /** Index of its first entry; a submenu's entries follow. */
  readonly first: number
  readonly items?: readonly Item[]
}

/** @param environment the text of a grubenv beside it */
export function readGrubConfig(text: string, environment = ''): BootMenu {
  const reader = new Reader(readGrubEnvironment(environment))
  const items = reader.menu(parseGrubScript(text), [])
  const wanted = defaultOf(items, reader.variable('default')) ?? 0
  // What starts no kernel, such as the firmware's setup, gives way to the entry behind it.
  return { entries: reader.entries, default: wanted < reader.entries.length ? wanted : 0 }
}

/** Lines of name=value (GRUB manual, "The GRUB environment block"). */
export function readGrubEnvironment(text: string): Map<string, string> {
  const lines = text.split('\n').map((line) => /^([^#=]+)=(.*)$/.exec(line))
  return new Map(lines.filter((match) => match !== null).map(([, name, value]) => [name, value]))
}

function defaultOf(items: readonly Item[], wanted: string): number | undefined {
  const [own, ...rest] = wanted.split('>')
  const item = /^\d+$/.test(own) ? items[Number(own)] : items.find(({ title, id }) => title === own || id === own)
  if (item?.items === undefined || item.items.length === 0) return item?.first
  return defaultOf(item.items, rest.length > 0 ? rest.join('>') : '0') ?? item.first
}

class Reader {
  readonly entries: BootEntry[] = []
  readonly #environment: ReadonlyMap<string, string>
  /** GRUB as it would be in a PV guest. */
  #variables = new Map([
    ['grub_platform', 'xen'],
    ['grub_cpu', 'x86_64'],
    ['prefix', '/boot/grub'],
    ['menuentry_id_option', '--id'],
    ['feature_menuentry_id', 'y'],
    ['feature_default_font_path', 'y'],
    ['feature_platform_search_hint', 'y'],
  ])
  #work = 0

  constructor(environment: ReadonlyMap<string, string>) {
    this.#environment = environment
  }

  variable(name: string): string {
    return this.#variables.get(name) ?? ''
  }

  /** Acts on commands outside of entries. */
  menu(commands: readonly Command[], submenus: readonly string[]): Item[] {
    const items: Item[] = []
    for (const command of commands) {
      if (command.kind === 'if') items.push(...this.menu(this.#branch(command), submenus))
      else {
        const [name, ...args] = this.#words(command.words)
        if (name === 'menuentry') items.push(...this.#entry(args, command.block ?? [], submenus))
        else if (name === 'submenu') items.push(...this.#submenu(args, command.block ?? [], submenus))
        else this.#act(name, args)
      }
    }
    return items
  }

  #submenu(args: readonly string[], block: readonly Command[], submenus: readonly string[]): Item[] {
    const { title, id } = named(args)
    const first = this.entries.length
    const items = this.menu(block, [...submenus, title])
    return [{ title, id, first, items }]
  }

  #entry(args: readonly string[], block: readonly Command[], submenus: readonly string[]): Item[] {
    const { title, id } = named(args)
    const outside = this.#variables
    this.#variables = new Map(outside)
    const loads = new Loads()
    this.#inEntry(block, loads)
    this.#variables = outside
    const found = loads.entry()
    const first = this.entries.length
    if (found !== undefined && first < MOST_ENTRIES) this.entries.push({ title, id, submenus, ...found })
    // One without a kernel, such as the firmware's setup, has its number all the same.
    return [{ title, id, first }]
  }

  #inEntry(commands: readonly Command[], loads: Loads): void {
    for (const command of commands) {
      if (command.kind === 'if') this.#inEntry(this.#branch(command), loads)
      else {
        const [name = '', ...args] = this.#words(command.words)
        if (!loads.take(name, args)) this.#act(name, args)
      }
    }
  }

  #act(name: string | undefined, args: readonly string[]): void {
    if (name === 'set' && args.length > 0) {
      const [, variable, value] = /^([^=]+)=(.*)$/s.exec(args[0]) ?? []
      if (variable !== undefined && this.#variables.size < MOST_VARIABLES)
        this.#variables.set(variable, value.slice(0, LONGEST_VALUE))
    } else if (name === 'unset' && args.length > 0) this.#variables.delete(args[0])
    else if (name === 'load_env') {
      for (const [key, value] of this.#environment) this.#variables.set(key, value)
    } else if (args.length === 0 && name !== undefined && /^[A-Za-z_]\w*=/.test(name)) this.#act('set', [name])
  }

  #branch({ branches, otherwise }: Command & { kind: 'if' }): readonly Command[] {
    return branches.find(({ condition }) => this.#holds(condition))?.body ?? otherwise
  }

  /** What cannot be known here, such as whether a font loads, does not hold. */
  #holds(condition: readonly Command[]): boolean {
    const last = condition.at(-1)
    if (last?.kind !== 'simple') return false
    const words = this.#words(last.words)
    const isNegated = words[0] === '!'
    return this.#test(isNegated ? words.slice(1) : words) !== isNegated
  }

  #test([name, ...args]: readonly string[]): boolean {
    if (name === 'true') return true
    if (name !== '[' && name !== 'test') return false
    const words = name === '[' && args.at(-1) === ']' ? args.slice(0, -1) : args
    if (words[0] === '!') return !this.#test(['test', ...words.slice(1)])
    const [left = '', operator, right = ''] = words
    if (words.length === 1) return left !== ''
    if (words.length === 2) {
      if (left === '-n') return operator !== ''
      if (left === '-z') return operator === ''
      return /^-[efs]$/.test(left) && operator.endsWith('/grubenv') && this.#environment.size > 0
    }
    if (operator === '=' || operator === '==') return left === right
    if (operator === '!=') return left !== right
    return false
  }

  #words(words: readonly Word[]): string[] {
    return words.flatMap((word) => this.#expand(word))
  }

  /** One word becomes several where a variable that is not quoted has blanks, and none where all of it is empty and not quoted. */
  #expand(word: Word): string[] {
    const done: string[] = []
    let open = word.some(({ quoted }) => quoted) ? '' : undefined
    for (const { text, variable, quoted } of word) {
      const value = text ?? this.variable(variable ?? '')
      this.#work += value.length
      if (this.#work > LONGEST_WORK) return []
      const parts = variable !== undefined && !quoted ? value.split(/[ \t\n]+/) : [value]
      for (const [index, part] of parts.entries()) {
        if (index > 0 && open !== undefined) {
          done.push(open)
          open = undefined
        }
        if (part !== '' || quoted) open = (open ?? '') + part
      }
    }
    if (open !== undefined) done.push(open.slice(0, LONGEST_VALUE))
    return done
  }
}

/** What an entry's commands load. */
class Loads {
  #kernel?: string
  #cmdline = ''
  #ramdisks: string[] = []
  /** Xen itself comes first then, and its modules are the kernel and the ramdisk. */
  #isMultiboot = false

  /** @returns whether the command is one that loads */
  take(name: string, args: readonly string[]): boolean {
    if (KERNEL_COMMANDS.has(name)) this.#take(args)
    else if (RAMDISK_COMMANDS.has(name)) this.#ramdisks = args.filter((path) => !path.startsWith('--'))
    else if (name === 'multiboot' || name === 'multiboot2') this.#isMultiboot = true
    else if (MODULE_COMMANDS.has(name) && this.#isMultiboot) {
      const files = args.filter((path) => path !== '--nounzip')
      if (this.#kernel === undefined) this.#take(files)
      else this.#ramdisks.push(...files.slice(0, 1))
    } else return false
    return true
  }

  entry(): Pick<BootEntry, 'kernel' | 'ramdisks' | 'cmdline'> | undefined {
    return this.#kernel === undefined
      ? undefined
      : { kernel: this.#kernel, ramdisks: this.#ramdisks, cmdline: this.#cmdline }
  }

  #take([kernel, ...words]: readonly string[]): void {
    this.#kernel = kernel
    this.#cmdline = words.join(' ')
  }
}

function named(args: readonly string[]): { title: string; id?: string } {
  let [title, id]: [string?, string?] = []
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]
    if (arg === '--id') id = args[++at]
    else if (arg.startsWith('--id=')) id = arg.slice('--id='.length)
    else if (VALUED.has(arg)) at++
    else if (!arg.startsWith('--')) title ??= arg
  }
  return { title: title ?? '', id }
}
