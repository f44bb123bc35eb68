import { bugOn } from '@paravane/core'
import { LINEAR, type PageInfo, TYPE_COUNT } from './page-info.ts'
import { PTE_RW } from './pte.ts'

/**
 * Linear page tables (CONFIG_PV_LINEAR_PT, xen/arch/x86/mm.c): an entry of a table of L2 to L4 may name a table of the same
 * level, so that a guest sees its page tables as data. Such an entry is read-only, and so is all that is reached by it.
 *
 * An entry that names its own table holds nothing. One that names another holds a page and a type reference, of the level that
 * table has; both tables count it, with opposite signs, so that a table that names others is not named by others. Without
 * that rule such tables could form chains and cycles, which nothing could let go of in bounded time.
 */

/** Entries that may name a table: the count is 16 bits wide in Xen. */
const MOST_USES = 0x8000
const MOST_ENTRIES = 0x7fff

/**
 * Whether `table`, of `level`, may name `target` in an entry whose low half is `lo`, after the target turned out not to be of
 * the level below. If so the type reference and the counts are taken, and the caller takes the page reference; for a table
 * that names itself there are none.
 */
export function takeLinear(info: PageInfo, table: number, level: number, target: number, lo: number): boolean {
  if ((lo & PTE_RW) !== 0 || !info.owns(target)) return false
  if (target === table) return true
  const { i32 } = info
  const [from, to] = [info.record(table), info.record(target)]
  const entries = i32[from + LINEAR]
  const uses = -i32[to + LINEAR]
  // Only tables that are validated: one whose validation is under way could need its own end.
  if (info.tableLevel(target) !== level || entries < 0 || uses < 0) return false
  if (entries >= MOST_ENTRIES || uses >= MOST_USES) return false
  i32[from + LINEAR]++
  i32[to + LINEAR]--
  i32[to + TYPE_COUNT]++
  return true
}

/** Of an entry of `table` that names another table of its level: the counts go. The references are the caller's. */
export function putLinear(info: PageInfo, table: number, target: number): void {
  const { i32 } = info
  bugOn(--i32[info.record(table) + LINEAR] < 0, 'a linear entry put twice')
  bugOn(++i32[info.record(target) + LINEAR] > 0, 'a linear use put twice')
}
