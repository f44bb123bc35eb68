import { tableOf } from '../cold/drop-code.ts'
import { REC } from '../cold/record.ts'
import { CODE_TABLE, CPU, XTLB } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'

/** Pages of one region besides its entry's. */
const MOST_PAGES = 8

/**
 * What a region's record says of it, behind a pointer: its place in the table, and for each of those pages {i32 its distance from the
 * entry's page, i32 host address of the frame, i32 version of the frame's code table}, in the order of `RegionCode.pages`.
 */
export const REGION_PLACE = {
  /** In the record. */
  POINTER: REC.FORM,
  /** i32: in the worker's table; and how many pages. */
  SLOT: 0,
  COUNT: 4,
  PAGES: 8,
  PAGE: { BYTES: 12, DELTA: 0, FRAME: 4, VERSION: 8 },
  /** These lie between records. */
  BYTES: 128,
} as const

/** A page of code as it was when it was read. */
interface CodePage {
  readonly frame: number
  readonly version: number
  /** A copy, read once: a region and its key are of the same bytes, whatever other vCPUs write meanwhile. */
  readonly bytes: Uint8Array
}

/** Bytes of a region, which lie in one page. */
export interface Stretch {
  readonly offset: number
  readonly bytes: Uint8Array
}

/**
 * Pages that a region at RIP may be made from: the entry's, and those near it that the vCPU runs code of, by its execute TLB. No page
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

  /** Those around RIP, which is in `entryFrame`. */
  static around(vcpu: VcpuMemory, entryFrame: number): CodePages {
    return new CodePages(vcpu, entryFrame, (delta) => executedFrame(vcpu, delta))
  }

  /** Those that the region of a record was made from, whichever thread made it; undefined if one of them has changed since. */
  static ofRegion(vcpu: VcpuMemory, entryFrame: number, rec: number): CodePages | undefined {
    const places = placesOf(vcpu, rec)
    if (places.some(({ frame, version }) => versionOf(vcpu, frame) !== version)) return undefined
    const pages = new CodePages(vcpu, entryFrame, (wanted) => places.find(({ delta }) => delta === wanted)?.frame ?? 0)
    for (const { delta } of places) pages.bytes(delta)
    return pages
  }

  /** Those besides the entry's that were asked for and are there, in that order. */
  get others(): readonly number[] {
    return [...this.#pages].flatMap(([delta, page]) => (delta !== 0 && page ? [delta] : []))
  }

  /** The page so many behind the entry's; undefined if no code of it can be in the region. */
  bytes(delta: number): Uint8Array | undefined {
    if (!this.#pages.has(delta)) this.#pages.set(delta, this.#other(delta))
    return this.#pages.get(delta)?.bytes
  }

  /** The record of the instruction at an offset, 0 if it was not translated, as what is jumped to is. */
  record(offset: number): number {
    const delta = offset >> 12
    const frame = this.#pages.get(delta)?.frame ?? this.#frameAt(delta)
    const table = frame === 0 ? 0 : tableOf(this.#vcpu, frame)
    return table === 0 ? 0 : this.#vcpu.views.i32[(table >> 2) + (offset & 0xfff)]
  }

  frame(delta: number): number {
    return this.#known(delta).frame
  }

  /** Whether nothing that was translated of these pages has been dropped since they were read. In the guest. */
  hold(deltas: readonly number[]): boolean {
    return [0, ...deltas].every((delta) => {
      const { frame, version } = this.#known(delta)
      return versionOf(this.#vcpu, frame) === version
    })
  }

  /** Whether the frames still have these bytes. In the guest. */
  have(stretches: readonly Stretch[]): boolean {
    const { u8 } = this.#vcpu.views
    return stretches.every(({ offset, bytes }) => {
      const at = this.frame(offset >> 12) + (offset & 0xfff)
      return bytes.every((byte, n) => u8[at + n] === byte)
    })
  }

  /** Writes what a region's record says of it to `at`. */
  note(at: number, slot: number, deltas: readonly number[]): void {
    const { i32 } = this.#vcpu.views
    deltas.forEach((delta, n) => {
      const { frame, version } = this.#known(delta)
      i32.set([delta, frame, version], (at + REGION_PLACE.PAGES + n * REGION_PLACE.PAGE.BYTES) >> 2)
    })
    i32[(at + REGION_PLACE.SLOT) >> 2] = slot
    i32[(at + REGION_PLACE.COUNT) >> 2] = deltas.length
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

/** Host address of the frame that the vCPU runs code of at that distance from RIP's page; 0 if it does not, or not lately. */
function executedFrame(vcpu: VcpuMemory, delta: number): number {
  const va = BigInt.asUintN(64, (vcpu.rip & ~0xfffn) + BigInt(delta) * 4096n)
  const entry = vcpu.i32(CPU.XTLB) + Number((va >> 12n) & BigInt(XTLB.ENTRIES - 1)) * XTLB.ENTRY
  if (vcpu.views.u64[(entry + XTLB.TAG) >> 3] !== (va | BigInt(vcpu.i32(CPU.COMPAT)))) return 0
  const frame = vcpu.views.i32[(entry + XTLB.HOST) >> 2]
  // Another thread may empty it meanwhile.
  return frame > 0 && versionOf(vcpu, frame) !== 0 ? frame : 0
}

function placesOf({ views: { i32 } }: VcpuMemory, rec: number): { delta: number; frame: number; version: number }[] {
  const at = i32[(rec + REGION_PLACE.POINTER) >> 2]
  return Array.from({ length: i32[(at + REGION_PLACE.COUNT) >> 2] }, (_, n) => {
    const [delta, frame, version] = i32.subarray((at + REGION_PLACE.PAGES + n * REGION_PLACE.PAGE.BYTES) >> 2)
    return { delta, frame, version }
  })
}
