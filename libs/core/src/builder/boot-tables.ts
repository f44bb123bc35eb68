import { HypervisorBug } from '../errors.ts'
import { LEVEL_BYTES, PAGE_BYTES } from './guest-address.ts'
import type { GuestFrames } from './guest-frames.ts'

/** Pages [pfn, pfn + pages) mapped at `linear` (the low 48 bits of a virtual address). */
export interface BootMapping {
  readonly linear: number
  readonly pfn: number
  readonly pages: number
}

/** Tables of one level in consecutive frames: table `index + i`, which maps from its number times its reach, is in `pfn + i`. */
export interface TableRun {
  readonly level: 1 | 2 | 3 | 4
  readonly index: number
  readonly count: number
  readonly pfn: number
}

const LEVELS = [4, 3, 2, 1] as const
const ENTRIES = 512
const PRESENT = 0x1
const RW = 0x2
const USER = 0x4
const ACCESSED = 0x20
const DIRTY = 0x40
/** What domain builders put into entries; Xen may add bits when it validates them. */
const TABLE_FLAGS: number = PRESENT | RW | USER | ACCESSED | DIRTY
const PAGE_FLAGS: number = PRESENT | RW | ACCESSED

/**
 * The tables needed to map `bytes` from `linear` on, in the order L4, L3, L2, L1 from `pfn` on, without those that `existing`
 * has. An existing mapping must lie above this one.
 */
export function planTables(linear: number, bytes: number, pfn: number, existing: readonly TableRun[]): TableRun[] {
  const runs: TableRun[] = []
  let next = pfn
  for (const level of LEVELS) {
    const index = Math.floor(linear / LEVEL_BYTES[level])
    const last = Math.floor((linear + bytes - 1) / LEVEL_BYTES[level])
    const above = existing.find((run) => run.level === level)
    const count = Math.min(last, above === undefined ? last : above.index - 1) - index + 1
    if (count <= 0) continue
    runs.push({ level, index, count, pfn: next })
    next += count
  }
  return runs
}

export function tableCount(runs: readonly TableRun[]): number {
  return runs.reduce((sum, { count }) => sum + count, 0)
}

/** Writes all tables. They must be zero before, and hold every table the mappings need. */
export function writeTables(
  runs: readonly TableRun[],
  mappings: readonly BootMapping[],
  frames: GuestFrames,
  pfnToMfn: (pfn: number) => number,
): void {
  for (const { level, index, count, pfn } of runs) {
    if (level === 4) continue
    for (let i = 0; i < count; i++) {
      const parent = viewOf(frames, findTable(runs, level + 1, Math.floor((index + i) / ENTRIES)))
      setEntry(parent, (index + i) % ENTRIES, pfnToMfn(pfn + i), TABLE_FLAGS)
    }
  }
  for (const mapping of mappings) mapPages(mapping, runs, frames, pfnToMfn)
}

function mapPages(
  { linear, pfn, pages }: BootMapping,
  runs: readonly TableRun[],
  frames: GuestFrames,
  pfnToMfn: (pfn: number) => number,
): void {
  const firstPage = linear / PAGE_BYTES
  for (let done = 0; done < pages; ) {
    const page = firstPage + done
    const table = viewOf(frames, findTable(runs, 1, Math.floor(page / ENTRIES)))
    const inTable = Math.min(pages - done, ENTRIES - (page % ENTRIES))
    for (let i = 0; i < inTable; i++) {
      const target = pfn + done + i
      // A page table must have no writable mapping, or it cannot be validated as one.
      const flags = isTable(runs, target) ? PAGE_FLAGS & ~RW : PAGE_FLAGS
      setEntry(table, (page % ENTRIES) + i, pfnToMfn(target), flags)
    }
    done += inTable
  }
}

function isTable(runs: readonly TableRun[], pfn: number): boolean {
  for (const run of runs) if (pfn >= run.pfn && pfn < run.pfn + run.count) return true
  return false
}

function findTable(runs: readonly TableRun[], level: number, index: number): number {
  for (const run of runs) {
    if (run.level === level && index >= run.index && index < run.index + run.count) return run.pfn + index - run.index
  }
  throw new HypervisorBug(`no boot table of level ${level} at ${index}`)
}

function viewOf(frames: GuestFrames, pfn: number): DataView {
  const frame = frames.frame(pfn)
  return new DataView(frame.buffer, frame.byteOffset, PAGE_BYTES)
}

/** Stores a page table entry in halves: bigints would take most of the time of a build. */
function setEntry(table: DataView, slot: number, mfn: number, flags: number): void {
  table.setUint32(slot * 8, (mfn << 12) | flags, true)
  table.setUint32(slot * 8 + 4, Math.floor(mfn / 2 ** 20), true)
}
