import { tableOf } from '../cold/drop-code.ts'
import { isHeadOfRegion, REC } from '../cold/record.ts'
import { executeIndex } from '../state/execute-index.ts'
import { CODE_TABLE, CPU, REGION, XTLB } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { type CodeMode, pageOf } from './region-code.ts'

/** Pages of one region besides its entry's. */
const MOST_PAGES = 8
/** Pages from the entry's at most: offsets are 32 bits. */
const FARTHEST = 2 ** 19

/**
 * What the record of a region's entry says of it, behind a pointer: its place in the table, whether it is of user mode, and for each of
 * its other pages {i32 its distance from the entry's, i32 host address of the frame, i32 version of the frame's code table}.
 */
export const REGION_PLACE = {
  /** In the record. */
  POINTER: REC.FORM,
  /** i32: in the worker's table; and how many pages. */
  SLOT: 0,
  COUNT: 4,
  /** i32: as CPU.USER. */
  USER: 8,
  /** u32: how often it was left as its accesses were apart (EXIT.APART); and ICOUNT when that was looked at last, its low half. */
  APART: 12,
  SINCE: 16,
  /** i32: REC.FORM of the instruction. */
  FORM: 20,
  PAGES: 24,
  PAGE: { BYTES: 12, DELTA: 0, FRAME: 4, VERSION: 8 },
} as const

/** A page of code as it was when it was read. */
interface CodePage {
  readonly frame: number
  readonly version: number
  /** A copy, read once: a region and its key are of the same bytes, whatever other vCPUs write meanwhile. */
  readonly bytes: Uint8Array
}

/** Where a region is to begin: its frame and address, and how the vCPU runs code there. */
export interface Place {
  readonly frameHost: number
  readonly rip: bigint
  readonly mode: CodeMode
}

/** Host address of the frame that an execute TLB has for a tag of its entries, 0 for none. */
export type ExecuteTlb = (tag: bigint) => number

/** Bytes of a region, which lie in one page. */
export interface Stretch {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** A page of a region as its record is to name it, and the version of its code table when it was read. */
export interface ReadPage {
  readonly delta: number
  readonly frame: number
  readonly version: number
}

/**
 * Pages that a region may be made from: the entry's, and those near it that the vCPU runs code of, by its execute TLB. No page
 * table is looked at, as that would leave traces in it.
 */
export class CodePages {
  readonly #vcpu: VcpuMemory
  readonly #pages = new Map<number, CodePage | undefined>()
  readonly #frameAt: (delta: number) => number
  #others = 0

  private constructor(vcpu: VcpuMemory, entryFrame: number, frameAt: (delta: number) => number) {
    this.#vcpu = vcpu
    this.#frameAt = frameAt
    this.#pages.set(0, this.#read(entryFrame))
  }

  /** Those around a place that are in an execute TLB: the vCPU's, or what that was. */
  static around(vcpu: VcpuMemory, place: Place, tlb: ExecuteTlb = executeTlb(vcpu, place)): CodePages {
    return new CodePages(vcpu, place.frameHost, (delta) => executedFrame(vcpu, tlb, place, delta))
  }

  /** Those that the region of a record was made from, whichever thread made it; undefined if one of them has changed since. */
  static ofRegion(vcpu: VcpuMemory, entryFrame: number, rec: number): CodePages | undefined {
    const places = placesOf(vcpu, rec)
    if (places.some(({ frame, version }) => versionOf(vcpu, frame) !== version)) return undefined
    const pages = new CodePages(vcpu, entryFrame, (wanted) => places.find(({ delta }) => delta === wanted)?.frame ?? 0)
    for (const { delta } of places) pages.bytes(delta)
    return pages
  }

  /** The page so many behind the entry's; undefined if no code of it can be in the region. */
  bytes(delta: number): Uint8Array | undefined {
    if (!this.#pages.has(delta)) this.#pages.set(delta, this.#other(delta))
    return this.#pages.get(delta)?.bytes
  }

  /** The record of the instruction at an offset, 0 if it was not translated, as what is jumped to is. */
  record(offset: number): number {
    const delta = pageOf(offset)
    const frame = this.#pages.get(delta)?.frame ?? this.#frameAt(delta)
    const table = frame === 0 ? 0 : tableOf(this.#vcpu, frame)
    return table === 0 ? 0 : this.#vcpu.views.i32[(table >> 2) + (offset & 0xfff)]
  }

  /**
   * The page `from` pages before the place's and those at these distances from it, as they were when they were read; distances count
   * from that page.
   */
  read(deltas: readonly number[], from: number = 0): ReadPage[] {
    return [0, ...deltas].map((delta) => {
      const { frame, version } = this.#known(delta - from)
      return { delta, frame, version }
    })
  }

  #other(delta: number): CodePage | undefined {
    const frame = this.#others === MOST_PAGES ? 0 : this.#frameAt(delta)
    if (frame === 0) return undefined
    this.#others++
    return this.#read(frame)
  }

  #read(frame: number): CodePage {
    return { version: versionOf(this.#vcpu, frame), frame, bytes: this.#vcpu.views.u8.slice(frame, frame + 4096) }
  }

  #known(delta: number): CodePage {
    const page = this.#pages.get(delta)
    if (page === undefined) throw new RangeError(`no page at ${delta}`)
    return page
  }
}

/** Version of a frame's code table, 0 if there is none. */
function versionOf(vcpu: VcpuMemory, frame: number): number {
  const table = tableOf(vcpu, frame)
  return table === 0 ? 0 : vcpu.views.i32[(table + CODE_TABLE.VERSION) >> 2]
}

/** The frame if it is one whose code was translated, else 0. Another thread may empty the entry it was found in meanwhile. */
function withCode(vcpu: VcpuMemory, frame: number): number {
  return (frame & 0xfff) === 0 && frame !== 0 && versionOf(vcpu, frame) !== 0 ? frame : 0
}

function executeTlb({ views: { i32, u64 }, base }: VcpuMemory, { mode }: Place): ExecuteTlb {
  return (tag) => {
    const entry = base + (mode.isUser ? REGION.XTLB_USER : REGION.XTLB_KERNEL) + executeIndex(tag) * XTLB.ENTRY
    return u64[(entry + XTLB.TAG) >> 3] === tag ? i32[(entry + XTLB.HOST) >> 2] >>> 0 : 0
  }
}

/** An execute TLB as the compiling thread was told it. */
export class RememberedTlb {
  readonly #frames = new Map<bigint, number>()
  /** Most that are kept from before are in one page: nothing is looked for then. */
  #unread: Int32Array<ArrayBuffer>[] = []

  tell(words: Int32Array<ArrayBuffer>): void {
    if (words.length > 0) this.#unread.push(words)
  }

  frame(tag: bigint): number {
    for (const words of this.#unread) this.#read(words)
    this.#unread = []
    return this.#frames.get(tag) ?? 0
  }

  #read(words: Int32Array<ArrayBuffer>): void {
    const tags = new BigUint64Array(words.buffer)
    for (let at = 0; at < words.length; at += XTLB.ENTRY / 4)
      this.#frames.set(tags[(at * 4 + XTLB.TAG) >> 3], words[at + XTLB.HOST / 4] >>> 0)
  }
}

/** Host address of the frame that the vCPU runs code of at that distance from the place's page; 0 if it does not, or not lately. */
function executedFrame(vcpu: VcpuMemory, tlb: ExecuteTlb, { rip, mode }: Place, delta: number): number {
  if (Math.abs(delta) >= FARTHEST) return 0
  const va = BigInt.asUintN(64, (rip & ~0xfffn) + BigInt(delta) * 4096n)
  return withCode(vcpu, tlb(va | (mode.bits === 32 ? 1n : 0n)))
}

/** Whether nothing that was translated of these pages has been dropped since they were read. In the guest. */
export function hold(vcpu: VcpuMemory, pages: readonly ReadPage[]): boolean {
  return pages.every(({ frame, version }) => versionOf(vcpu, frame) === version)
}

/** Whether the frames still have these bytes. In the guest. */
export function have(vcpu: VcpuMemory, pages: readonly ReadPage[], stretches: readonly Stretch[]): boolean {
  const { u8 } = vcpu.views
  return stretches.every(({ offset, bytes }) => {
    const at = frameOf(pages, offset) + (offset & 0xfff)
    return bytes.every((byte, n) => u8[at + n] === byte)
  })
}

/** Host address of the frame with an offset of the region. */
export function frameOf(pages: readonly ReadPage[], offset: number): number {
  const page = pages.find(({ delta }) => delta === offset >> 12)
  if (page === undefined) throw new RangeError(`no page at ${offset >> 12}`)
  return page.frame
}

/** The record of the instruction at an offset of the region, 0 if it was not translated, as what is jumped to is. */
export function recordOf(vcpu: VcpuMemory, pages: readonly ReadPage[], offset: number): number {
  const table = tableOf(vcpu, frameOf(pages, offset))
  return table === 0 ? 0 : vcpu.views.i32[(table >> 2) + (offset & 0xfff)]
}

/** Bytes that `note` writes of a region with so many pages besides the entry's; a multiple of a record's, between which they lie. */
export function placeBytes(pages: number): number {
  return Math.ceil((REGION_PLACE.PAGES + pages * REGION_PLACE.PAGE.BYTES) / REC.BYTES) * REC.BYTES
}

/** Writes to `at` what the record of an entry in page `own` of the region says of it. */
export function note(
  { views: { i32 }, base }: VcpuMemory,
  at: number,
  slot: number,
  { isUser }: CodeMode,
  pages: readonly ReadPage[],
  own: number,
): void {
  const others = pages.filter(({ delta }) => delta !== own)
  others.forEach(({ delta, frame, version }, n) => {
    i32.set([delta - own, frame, version], (at + REGION_PLACE.PAGES + n * REGION_PLACE.PAGE.BYTES) >> 2)
  })
  i32[(at + REGION_PLACE.SLOT) >> 2] = slot
  i32[(at + REGION_PLACE.COUNT) >> 2] = others.length
  i32[(at + REGION_PLACE.USER) >> 2] = isUser ? 1 : 0
  i32[(at + REGION_PLACE.APART) >> 2] = 0
  i32[(at + REGION_PLACE.SINCE) >> 2] = i32[(base + CPU.ICOUNT) >> 2]
}

/** REC.FORM of a record's instruction, also where a region starts at it. */
export function formOf({ views: { i32, u16 } }: VcpuMemory, rec: number): number {
  const form = i32[(rec + REC.FORM) >> 2]
  return isHeadOfRegion(u16[(rec + REC.HANDLER) >> 1]) ? i32[(form + REGION_PLACE.FORM) >> 2] : form
}

/** Whether fewer than so many instructions were retired since this was asked last of the region of a record, or that was made. */
export function wasAskedWithin({ views: { i32 }, base }: VcpuMemory, rec: number, instructions: number): boolean {
  const since = (i32[(rec + REGION_PLACE.POINTER) >> 2] + REGION_PLACE.SINCE) >> 2
  const now = i32[(base + CPU.ICOUNT) >> 2]
  const passed = (now - i32[since]) >>> 0
  i32[since] = now
  return passed < instructions
}

function placesOf({ views: { i32 } }: VcpuMemory, rec: number): ReadPage[] {
  const at = i32[(rec + REGION_PLACE.POINTER) >> 2]
  return Array.from({ length: i32[(at + REGION_PLACE.COUNT) >> 2] }, (_, n) => {
    const [delta, frame, version] = i32.subarray((at + REGION_PLACE.PAGES + n * REGION_PLACE.PAGE.BYTES) >> 2)
    return { delta, frame: frame >>> 0, version }
  })
}
