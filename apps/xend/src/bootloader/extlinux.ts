/** The menu of an extlinux.conf or isolinux.cfg (Syslinux, doc/syslinux.txt and doc/menu.txt). */
import type { BootEntry, BootMenu } from './boot-menu.ts'

const MOST_ENTRIES = 1000

interface Draft {
  readonly id: string
  title: string
  kernel?: string
  cmdline: string
  ramdisks: string[]
  isDefault: boolean
}

/** @param folder of the configuration, where relative paths begin */
export function readExtlinux(text: string, folder: string): BootMenu {
  const drafts: Draft[] = []
  let wanted: string | undefined
  for (const line of text.split('\n')) {
    const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line.trim()) ?? []
    const [command, draft] = [word.toLowerCase(), drafts.at(-1)]
    if (command === 'label') drafts.push({ id: rest, title: rest, cmdline: '', ramdisks: [], isDefault: false })
    else if (command === 'default' && draft === undefined) wanted = rest
    else if (draft !== undefined) take(draft, command, rest, folder)
  }
  const found = drafts.filter(({ kernel }) => kernel !== undefined).slice(0, MOST_ENTRIES)
  const index = found.findIndex(({ id, isDefault }) => isDefault || id === wanted)
  return { entries: found.map(entryOf), default: Math.max(index, 0) }
}

function take(draft: Draft, command: string, rest: string, folder: string): void {
  const whole = (path: string): string => (path.startsWith('/') ? path : `${folder}/${path}`)
  if (command === 'kernel' || command === 'linux') draft.kernel = whole(rest)
  else if (command === 'initrd') draft.ramdisks = rest.split(',').map(whole)
  else if (command === 'append') {
    const words = rest.split(/\s+/)
    const ramdisk = words.find((word) => word.startsWith('initrd='))
    if (ramdisk !== undefined) draft.ramdisks = ramdisk.slice('initrd='.length).split(',').map(whole)
    draft.cmdline = words.filter((word) => word !== ramdisk).join(' ')
  } else if (command === 'menu') {
    const [, label] = /^label\s+(.*)$/i.exec(rest) ?? []
    if (label !== undefined) draft.title = label.replaceAll('^', '')
    if (/^default\b/i.test(rest)) draft.isDefault = true
  }
}

function entryOf({ id, title, kernel, cmdline, ramdisks }: Draft): BootEntry {
  return { id, title, submenus: [], kernel: kernel ?? '', cmdline, ramdisks }
}
