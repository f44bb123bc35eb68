/** What a boot loader's configuration offers, whichever loader it was written for, and which of it is meant. */
import { BootError } from './boot-error.ts'

export interface BootEntry {
  readonly title: string
  /** The titles of the submenus it is in, from the outermost. */
  readonly submenus: readonly string[]
  /** Its name besides the title, as GRUB's --id gives it. */
  readonly id?: string
  /** Paths on the disk, as the configuration has them. */
  readonly kernel: string
  /** Loaded one after another. */
  readonly ramdisks: readonly string[]
  readonly cmdline: string
}

export interface BootMenu {
  /** In the order of the file, whatever submenus they are in. */
  readonly entries: readonly BootEntry[]
  /** Index of the one that the configuration itself would start. */
  readonly default: number
}

const MOST_LISTED = 20

/**
 * The entry that the user asked for: by number, counted from 0 through all submenus as pygrub counts, by title, by id, or by titles
 * with `>` between them. Without `wanted` the default.
 * @throws BootError that lists those there are
 */
export function chooseEntry(menu: BootMenu, wanted: string | undefined, from: string): BootEntry {
  const { entries } = menu
  const chosen = wanted === undefined ? entries[menu.default] : findEntry(entries, wanted)
  if (chosen !== undefined) return chosen
  const listed = entries.slice(0, MOST_LISTED).map(({ title }, index) => `${index}: '${title}'`)
  const more = entries.length > MOST_LISTED ? `, and ${entries.length - MOST_LISTED} more` : ''
  throw new BootError(
    'BOOT_NO_ENTRY',
    `${from} has no entry '${plain(wanted ?? '')}'; it has ${listed.map(plain).join(', ')}${more}`,
  )
}

export function findEntry(entries: readonly BootEntry[], wanted: string): BootEntry | undefined {
  if (/^\d+$/.test(wanted)) return entries[Number(wanted)]
  const whole = ({ submenus, title }: BootEntry): string => [...submenus, title].join('>')
  return entries.find((entry) => entry.title === wanted || entry.id === wanted || whole(entry) === wanted)
}

/** For messages: what a guest wrote must not act on the terminal. */
export function plain(text: string): string {
  return text.replace(/[^\x20-\x7e\u{a0}-\u{10ffff}]/gu, '?').slice(0, 200)
}
