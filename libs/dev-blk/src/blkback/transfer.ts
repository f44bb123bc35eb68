import type { DeviceHost } from '@paravane/core'
import type { GuestPage, GuestPages } from './guest-pages.ts'
import type { RingEntry } from './ring-entry.ts'

const SECTOR = 512
const PAGE_SECTORS = 8

/** One request under way: what its answer repeats, and the guest's memory that it moves. */
export class Transfer {
  readonly idLow: number
  readonly idHigh: number
  readonly operation: number
  /** Bytes from the start of the disk. */
  readonly offset: number
  /** The guest's memory, in the order of the disk; what lies side by side is one view. */
  readonly views: Uint8Array[] = []
  /** Bytes in all. */
  length = 0
  /** BLKIF_RSP_*, when it is done. */
  status: number | undefined
  readonly #pages: GuestPage[] = []
  /** For each page first and end byte. */
  readonly #bounds: number[] = []

  constructor(entry: RingEntry) {
    this.idLow = entry.idLow
    this.idHigh = entry.idHigh
    this.operation = entry.operation
    this.offset = entry.offset
  }

  /**
   * Takes its pages into use.
   * @param readonly the guest's memory is only read
   * @returns false if the request makes no sense; nothing is in use then
   */
  take(entry: RingEntry, pages: GuestPages, readonly: boolean): boolean {
    const { segments } = entry
    if (segments > entry.segmentLimit || !takeIndirect(entry, pages)) return false
    for (let segment = 0; segment < segments; segment++) {
      const first = entry.firstSector(segment)
      const last = entry.lastSector(segment)
      const page = first <= last && last < PAGE_SECTORS ? pages.take(entry.segmentRef(segment), readonly) : undefined
      if (page === undefined || typeof page === 'number') {
        this.release(pages)
        return false
      }
      this.#add(page, first * SECTOR, (last + 1) * SECTOR)
    }
    return true
  }

  /** Tells the guest's memory what was written to it. */
  landed({ memory }: Pick<DeviceHost, 'memory'>): void {
    for (const [at, { gmfn }] of this.#pages.entries()) {
      const start = this.#bounds[at * 2] as number
      memory.written(gmfn, start, (this.#bounds[at * 2 + 1] as number) - start)
    }
  }

  release(pages: GuestPages): void {
    for (const page of this.#pages) pages.give(page)
    this.#pages.length = 0
  }

  #add(page: GuestPage, start: number, end: number): void {
    this.#pages.push(page)
    this.#bounds.push(start, end)
    this.length += end - start
    const { buffer, byteOffset } = page.bytes
    const before = this.views.at(-1)
    if (before?.buffer === buffer && before.byteOffset + before.length === byteOffset + start) {
      this.views[this.views.length - 1] = new Uint8Array(buffer, before.byteOffset, before.length + end - start)
    } else this.views.push(end - start === 4096 ? page.bytes : page.bytes.subarray(start, end))
  }
}

/** Copies the segments of an indirect request out of the guest's pages. */
function takeIndirect(entry: RingEntry, pages: GuestPages): boolean {
  const { indirectPages } = entry
  for (let index = 0; index < indirectPages; index++) {
    const page = pages.take(entry.indirectRef(index), true)
    if (typeof page === 'number') return false
    entry.takeIndirect(index, page.bytes)
    pages.give(page)
  }
  return true
}
