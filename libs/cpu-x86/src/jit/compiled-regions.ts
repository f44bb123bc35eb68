import type { Stretch } from './code-pages.ts'
import type { RegionsModule } from './compile-request.ts'
import type { CodeMode } from './region-code.ts'
import { pageOf } from './region-code.ts'

/**
 * Regions kept beyond those in use: a C compiler has some twelve thousand. A guest that writes code without end fills this and its own table.
 */
const MOST_REGIONS = 0x4000
/** Bytes at the entry by which a region is looked for. */
const HEAD = 16

/** The page so many pages behind the entry's, undefined where there is none to be used. */
export type PageBytes = (delta: number) => Uint8Array | undefined

/** A function of a module. */
export interface CompiledRegion {
  readonly module: WebAssembly.Module
  /** Its export. */
  readonly name: string
}

/** A place at which a region can be entered. */
export interface RegionEntry {
  /** From the start of the first entry's page. */
  readonly offset: number
  /** Number of the bytes there and their place in the page (`headOf`). */
  readonly head: number
}

/** What a region was made from. */
export interface RegionFacts {
  readonly entries: readonly RegionEntry[]
  /** Its pages besides the entry's, as distances from that. */
  readonly pages: readonly number[]
  readonly stretches: readonly Stretch[]
  /** Offsets of its blocks. */
  readonly leaders: readonly number[]
}

export interface Region extends RegionFacts {
  readonly compiled: CompiledRegion
}

/** The regions of a module. */
export function regionsOf({ module, regions }: RegionsModule): Region[] {
  return regions.map(({ name, facts }) => ({ ...facts, compiled: { module, name } }))
}

/** A region, and the offset of the entry by which it was found. */
export interface FoundRegion {
  readonly region: Region
  readonly offset: number
}

/** Regions known to one thread, found by content at any of their entries. Those not used for longest are forgotten. */
export class CompiledRegions {
  readonly #byHead = new Map<number, FoundRegion[]>()
  /** In the order of their last use. */
  readonly #used = new Set<Region>()
  readonly #most: number
  /** Heads of regions that are not known yet and can be had soon. */
  #expected: ReadonlySet<number> = new Set()

  constructor(most: number = MOST_REGIONS) {
    this.#most = most
  }

  get size(): number {
    return this.#used.size
  }

  /**
   * The youngest one that is entered at this place and whose bytes are all there, whatever decided which code is in it.
   * @param bytes by distance from the place's page
   */
  find(place: number, mode: CodeMode, bytes: PageBytes): FoundRegion | undefined {
    const page = bytes(0)
    const candidates = (page && this.#byHead.get(headOf(page, 0, place, mode))) ?? []
    const found = candidates.findLast(({ region: { stretches }, offset }) =>
      stretches.every((stretch) => has((delta) => bytes(delta - pageOf(offset)), stretch)),
    )
    if (found) this.#touch(found.region)
    return found
  }

  add(region: Region): void {
    for (const { offset, head } of region.entries)
      this.#byHead.set(head, [...(this.#byHead.get(head) ?? []), { region, offset }])
    this.#touch(region)
    for (const oldest of this.#used) {
      if (this.#used.size <= this.#most) return
      this.#forget(oldest)
    }
  }

  expect(heads: Int32Array): void {
    this.#expected = new Set([...this.#expected, ...heads])
  }

  /** Whether a region has an entry with this head: there may be one where what has it begins. */
  has(head: number): boolean {
    return this.#byHead.has(head)
  }

  /** Whether one may have it soon. */
  expects(head: number): boolean {
    return this.#expected.has(head)
  }

  #touch(region: Region): void {
    this.#used.delete(region)
    this.#used.add(region)
  }

  #forget(region: Region): void {
    this.#used.delete(region)
    for (const { head } of region.entries) {
      const others = (this.#byHead.get(head) ?? []).filter((known) => known.region !== region)
      if (others.length > 0) this.#byHead.set(head, others)
      else this.#byHead.delete(head)
    }
  }
}

/**
 * Compiled regions by content, shared by all domains of a thread: the same code compiles once. The decoder is the same for all of
 * them: a host has one CPU policy.
 */
export const compiled: CompiledRegions = new CompiledRegions()

/** A number for the place in the page, and the bytes there (FNV-1a). */
export function headOf(bytes: Uint8Array, page: number, offset: number, { bits, isUser, isApart }: CodeMode): number {
  let hash = 0x811c9dc5 ^ (offset | (bits << 12) | (isUser ? 1 << 20 : 0) | (isApart ? 1 << 21 : 0))
  const end = page + Math.min(offset + HEAD, 4096)
  for (let at = page + offset; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193)
  return hash
}

function has(bytes: PageBytes, stretch: Stretch): boolean {
  const page = bytes(pageOf(stretch.offset))
  const at = stretch.offset & 0xfff
  return page !== undefined && stretch.bytes.every((byte, n) => page[at + n] === byte)
}
