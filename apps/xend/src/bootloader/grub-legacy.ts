/** The menu of a menu.lst or grub.conf of GRUB before 2 (GRUB legacy manual, "Configuration"). */
import type { BootEntry, BootMenu } from './boot-menu.ts'

const MOST_ENTRIES = 1000

interface Draft {
  readonly title: string
  kernel?: string
  cmdline: string
  ramdisks: string[]
  /** The kernel line named Xen, whose modules are kernel and ramdisk. */
  isXen: boolean
}

export function readGrubLegacy(text: string): BootMenu {
  const drafts: Draft[] = []
  let wanted = 0
  for (const line of text.split('\n')) {
    const [, command = '', rest = ''] = /^([a-z]+)[\s=]+(.*)$/.exec(line.trim()) ?? []
    const draft = drafts.at(-1)
    if (command === 'title') drafts.push({ title: rest, cmdline: '', ramdisks: [], isXen: false })
    else if (command === 'default' && draft === undefined) wanted = /^\d+$/.test(rest) ? Number(rest) : 0
    else if (draft !== undefined) take(draft, command, rest)
  }
  // `default` counts titles, also those that start no kernel.
  const before = drafts.slice(0, wanted).filter(({ kernel }) => kernel !== undefined).length
  const entries = drafts.flatMap(entryOf).slice(0, MOST_ENTRIES)
  return { entries, default: before < entries.length ? before : 0 }
}

function take(draft: Draft, command: string, rest: string): void {
  const words = rest.split(/\s+/).filter((word) => !/^--(type=|no-mem-option)/.test(word))
  const [path = '', ...args] = words
  if (command === 'kernel') {
    if (/(^|\/)xen[^/]*$/.test(path) && !path.includes('vmlinu')) draft.isXen = true
    else Object.assign(draft, { kernel: path, cmdline: args.join(' ') })
  } else if (command === 'initrd') draft.ramdisks = [path]
  else if (command === 'module' && draft.isXen) {
    if (draft.kernel === undefined) Object.assign(draft, { kernel: path, cmdline: args.join(' ') })
    else draft.ramdisks.push(path)
  }
}

function entryOf({ title, kernel, cmdline, ramdisks }: Draft): BootEntry[] {
  return kernel === undefined ? [] : [{ title, submenus: [], kernel, cmdline, ramdisks }]
}
