import type { FunctionBody } from '../wasm/module.ts'
import type { Stretch } from './code-pages.ts'
import { type CodeMode, pageOf, type RegionCode } from './region-code.ts'
import { regionFunction, regionsModule } from './region-module.ts'

/** Regions kept beyond those in use. A guest that writes code without end fills this and its own table. */
const MOST_REGIONS = 0x2000
/**
 * Regions in one module. Each module costs some 25 KiB of V8's and a tenth of a millisecond; and regions of modules of their own lie
 * far from each other, so that a guest that wakes finds none of them in its processor's caches.
 */
const TOGETHER = 32
/** A region does not wait longer for others, nor is it asked for more often. Guests see nothing of when that is. */
const LONGEST_WAIT_MS = 100
const MOST_ASKED = 4
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

/** What a region was made from, and its code. */
export interface Region {
  readonly pages: readonly number[]
  readonly stretches: readonly Stretch[]
  /** Offsets of its blocks. */
  readonly leaders: readonly number[]
  readonly compiled: CompiledRegion | undefined
}

interface Known extends Region {
  readonly head: number
  compiled: CompiledRegion | undefined
  /** Until it is compiled. */
  body: FunctionBody | undefined
  /** How often it was asked for before it was compiled. */
  asked: number
}

/** Regions compiled by one thread, found by content. Those not used for longest are forgotten. */
export class CompiledRegions {
  readonly #byHead = new Map<number, Known[]>()
  /** In the order of their last use. */
  readonly #used = new Set<Known>()
  #waiting: Known[] = []
  #waitingSince = 0
  readonly #most: number
  readonly #now: () => number

  /** @param now milliseconds */
  constructor(most: number = MOST_REGIONS, now: () => number = () => performance.now()) {
    this.#most = most
    this.#now = now
  }

  get size(): number {
    return this.#used.size
  }

  /** The youngest one at this place whose bytes are all there, whatever decided which code is in it. */
  find(entry: number, mode: CodeMode, bytes: PageBytes): Region | undefined {
    const page = bytes(0)
    const candidates = (page && this.#byHead.get(headOf(page, 0, entry, mode))) ?? []
    return candidates.findLast(({ stretches }) => stretches.every((stretch) => has(bytes, stretch)))
  }

  add(code: RegionCode, bytes: PageBytes): Region {
    const head = headOf(bytes(0) as Uint8Array, 0, code.entry, code.mode)
    const stretches = code.blocks.map(({ offset, next }) => ({ offset, bytes: slice(bytes, offset, next - offset) }))
    const { pages } = code
    const known = {
      head,
      pages,
      stretches,
      leaders: code.blocks.map(({ offset }) => offset),
      compiled: undefined,
      body: regionFunction(code),
      asked: 0,
    }
    const others = this.#byHead.get(head) ?? []
    this.#byHead.set(head, [...others, known])
    this.#used.add(known)
    this.#forget()
    return known
  }

  /** Whether there may be code of a region at an offset of a page of these bytes. */
  hasHead(bytes: Uint8Array, page: number, offset: number, mode: CodeMode): boolean {
    return this.#byHead.get(headOf(bytes, page, offset, mode))?.some(({ compiled }) => compiled !== undefined) ?? false
  }

  /** The region's code; undefined at first, while it waits for others to be compiled with. @param now it does not wait */
  ask(region: Region, now: boolean): CompiledRegion | undefined {
    const known = region as Known
    if (known.compiled === undefined) {
      if (known.asked++ === 0) this.#wait(known)
      const isLate = known.asked > MOST_ASKED || this.#now() - this.#waitingSince > LONGEST_WAIT_MS
      if (now || this.#waiting.length >= TOGETHER || isLate) this.#compile()
    }
    if (this.#used.delete(known)) this.#used.add(known)
    return known.compiled
  }

  #wait(known: Known): void {
    if (this.#waiting.length === 0) this.#waitingSince = this.#now()
    this.#waiting.push(known)
  }

  #forget(): void {
    for (const oldest of this.#used) {
      if (this.#used.size <= this.#most) return
      this.#used.delete(oldest)
      const others = (this.#byHead.get(oldest.head) ?? []).filter((known) => known !== oldest)
      if (others.length > 0) this.#byHead.set(oldest.head, others)
      else this.#byHead.delete(oldest.head)
    }
  }

  #compile(): void {
    const bodies = this.#waiting.map(({ body }) => body as FunctionBody)
    const module = new WebAssembly.Module(regionsModule(bodies))
    for (const [n, known] of this.#waiting.entries()) {
      known.compiled = { module, name: `${n}` }
      known.body = undefined
    }
    this.#waiting = []
  }
}

/** A number for the place in the page, and the bytes there (FNV-1a). */
function headOf(bytes: Uint8Array, page: number, offset: number, { bits, isUser }: CodeMode): number {
  let hash = 0x811c9dc5 ^ (offset | (bits << 12) | (isUser ? 1 << 20 : 0))
  const end = page + Math.min(offset + HEAD, 4096)
  for (let at = page + offset; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193)
  return hash
}

function slice(bytes: PageBytes, offset: number, length: number): Uint8Array {
  const at = offset & 0xfff
  return bytes(pageOf(offset))?.slice(at, at + length) ?? new Uint8Array(0)
}

function has(bytes: PageBytes, stretch: Stretch): boolean {
  const page = bytes(pageOf(stretch.offset))
  const at = stretch.offset & 0xfff
  return page !== undefined && stretch.bytes.every((byte, n) => page[at + n] === byte)
}
