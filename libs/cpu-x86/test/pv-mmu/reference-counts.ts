import type { SmallDomain } from './small-domain.ts'

/** What the rules of direct paging say a frame's record must be. */
export interface ReferenceRecord {
  type: number
  types: number
  refs: number
}

/** Who holds frames besides the entries of page tables. */
export interface Holders {
  readonly owned: ReadonlySet<number>
  /** [frame, type] of every pin, root, descriptor table and hold; type 0 for holds that need none. */
  readonly references: readonly (readonly [gmfn: number, type: number])[]
  /** Tables whose validation was interrupted and not gone on with: the entries before `slots` hold what they need. */
  readonly partial?: readonly (readonly [gmfn: number, level: number, slots: number])[]
}

/** An entry being tried: the state must also be legal with what it references. */
export interface ExtraEntry {
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
  { owned, references, partial = [] }: Holders,
  extra?: ExtraEntry,
): Map<number, ReferenceRecord> | undefined {
  const records = new Map<number, ReferenceRecord>()
  for (const gmfn of owned) records.set(gmfn, { type: 0, types: 0, refs: 1 })
  const walked = new Set<number>()
  const toWalk: number[] = []
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
      toWalk.push(gmfn)
    }
  }
  const follow = (level: number, lo: number, hi: number) => {
    if ((lo & 1) === 0) return
    const forbidden = level === 1 ? 0x98 : 0x198
    if ((lo & forbidden) !== 0 || (hi & 0xfffff) !== 0) legal = false
    else if (level === 1) reference(lo >>> 12, (lo & 2) !== 0 ? 7 : 0)
    else reference(lo >>> 12, level - 1)
  }

  const walk = (table: number, level: number, slots: number) => {
    for (let slot = 0; slot < slots; slot++) {
      if (level === 4 && slot >= 256 && slot <= 271) continue
      const [lo, hi] = domain.entry(table, slot)
      follow(level, lo, hi)
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
  if (extra !== undefined) follow(extra.level, extra.lo, extra.hi)
  for (let table = toWalk.pop(); table !== undefined && legal; table = toWalk.pop()) {
    walk(table, (records.get(table) as ReferenceRecord).type, 512)
  }
  return legal ? records : undefined
}
