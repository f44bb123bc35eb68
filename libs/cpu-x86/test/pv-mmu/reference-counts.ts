import type { SmallDomain } from './small-domain.ts'

/** What the rules of direct paging say a frame's record must be. */
export interface ReferenceRecord {
  type: number
  types: number
  refs: number
  /** Entries that name other tables of this one's level. */
  linearEntries: number
  /** Entries of other tables of its level that name it. */
  linearUses: number
}

/** Who holds frames besides the entries of page tables. */
export interface Holders {
  readonly owned: ReadonlySet<number>
  /** [frame, type] of every pin, root, descriptor table and hold; type 0 for holds that need none. */
  readonly references: readonly (readonly [gmfn: number, type: number])[]
  /**
   * Types that frames had before: whether an entry is linear, or makes its frame a table of the level below, depends on what
   * the frame was when the entry was made.
   */
  readonly before?: ReadonlyMap<number, number>
  /** Tables whose validation was interrupted and not gone on with: the entries before `slots` hold what they need. */
  readonly partial?: readonly (readonly [gmfn: number, level: number, slots: number])[]
}

/** An entry of `table` being tried: the state must also be legal with what it references. */
export interface ExtraEntry {
  readonly table: number
  readonly level: number
  readonly lo: number
  readonly hi: number
}

/**
 * The records of all frames, computed from nothing by walking every table that is held, or undefined if the state breaks a
 * rule. As simple as can be: it is what the real bookkeeping is judged by.
 */
export function referenceCounts(
  domain: SmallDomain,
  { owned, references, before = new Map(), partial = [] }: Holders,
  extra?: ExtraEntry,
): Map<number, ReferenceRecord> | undefined {
  const records = new Map<number, ReferenceRecord>()
  for (const gmfn of owned) records.set(gmfn, { type: 0, types: 0, refs: 1, linearEntries: 0, linearUses: 0 })
  const walked = new Set<number>()
  let legal = true

  const reference = (gmfn: number, type: number) => {
    const record = records.get(gmfn)
    if (record === undefined) {
      legal = false
      return
    }
    record.refs++
    if (type === 0) return
    if (record.types > 0 && record.type !== type) legal = false
    record.type = type
    record.types++
    if (type >= 1 && type <= 4 && !walked.has(gmfn)) {
      walked.add(gmfn)
      walk(gmfn, type, 512)
    }
  }
  const linear = (table: number, target: number, level: number) => {
    if (target === table) return
    const [from, to] = [records.get(table), records.get(target)]
    if (from === undefined || to === undefined) throw new Error('a linear entry between frames that are not there')
    from.linearEntries++
    to.linearUses++
    if (from.linearUses > 0 || to.linearEntries > 0) legal = false
    reference(target, level)
  }
  const isLinear = (table: number, target: number, level: number) => {
    const record = records.get(target)
    if (target === table) return true
    return record !== undefined && (record.types > 0 ? record.type : before.get(target)) === level
  }
  const follow = (table: number, level: number, lo: number, hi: number) => {
    if ((lo & 1) === 0 || !legal) return
    const forbidden = level === 1 ? 0x98 : 0x198
    if ((lo & forbidden) !== 0 || (hi & 0xfffff) !== 0) legal = false
    else if (level === 1) reference(lo >>> 12, (lo & 2) !== 0 ? 7 : 0)
    else if ((lo & 2) === 0 && isLinear(table, lo >>> 12, level)) linear(table, lo >>> 12, level)
    else reference(lo >>> 12, level - 1)
  }

  const walk = (table: number, level: number, slots: number) => {
    for (let slot = 0; slot < slots; slot++) {
      if (level === 4 && slot >= 256 && slot <= 271) continue
      const [lo, hi] = domain.entry(table, slot)
      follow(table, level, lo, hi)
    }
  }

  for (const [gmfn, level, slots] of partial) {
    const record = records.get(gmfn)
    if (record === undefined || record.types > 0) return undefined
    record.type = level
    record.types = 1
    walked.add(gmfn)
    walk(gmfn, level, slots)
  }
  for (const [gmfn, type] of references) reference(gmfn, type)
  if (extra !== undefined) follow(extra.table, extra.level, extra.lo, extra.hi)
  return legal ? records : undefined
}
