import {
  BLKIF_MAX_SEGMENTS_PER_REQUEST,
  BLKIF_OP_INDIRECT,
  blkif_request,
  blkif_request_discard,
  blkif_request_indirect,
  blkif_request_segment,
  sizeof,
} from '@paravane/core/abi'
import { MAX_INDIRECT_SEGMENTS } from './features.ts'

export const ENTRY_BYTES: number = sizeof(blkif_request)
const SEGMENT_BYTES = sizeof(blkif_request_segment)
const SEGMENTS_PER_PAGE = 4096 / SEGMENT_BYTES

/** One entry of the ring, copied out of it: nothing of it changes while it is looked at. There is one for each ring. */
export class RingEntry {
  /** To be filled with the entry. */
  readonly bytes: Uint8Array = new Uint8Array(ENTRY_BYTES)
  readonly #view: DataView = new DataView(this.bytes.buffer)
  readonly #indirect: Uint8Array = new Uint8Array(MAX_INDIRECT_SEGMENTS * SEGMENT_BYTES)
  readonly #indirectView: DataView = new DataView(this.#indirect.buffer)

  get isIndirect(): boolean {
    return blkif_request.operation.get(this.#view, 0) === BLKIF_OP_INDIRECT
  }

  /** Of an indirect request the one inside. */
  get operation(): number {
    return this.isIndirect
      ? blkif_request_indirect.indirect_op.get(this.#view, 0)
      : blkif_request.operation.get(this.#view, 0)
  }

  get idLow(): number {
    return this.#view.getUint32(blkif_request.id.offset, true)
  }

  get idHigh(): number {
    return this.#view.getUint32(blkif_request.id.offset + 4, true)
  }

  /** Where it begins, in bytes; Infinity if that is no safe integer. */
  get offset(): number {
    return blkif_request.sector_number.getNumber(this.#view, 0) * 512
  }

  /** How many segments it says it has. */
  get segments(): number {
    return this.isIndirect
      ? blkif_request_indirect.nr_segments.get(this.#view, 0)
      : blkif_request.nr_segments.get(this.#view, 0)
  }

  get segmentLimit(): number {
    return this.isIndirect ? MAX_INDIRECT_SEGMENTS : BLKIF_MAX_SEGMENTS_PER_REQUEST
  }

  /** Pages of an indirect request that hold its segments. Only if `segments` is within its limit. */
  get indirectPages(): number {
    return this.isIndirect ? Math.ceil(this.segments / SEGMENTS_PER_PAGE) : 0
  }

  indirectRef(page: number): number {
    return blkif_request_indirect.indirect_grefs.get(this.#view, 0, page)
  }

  /** Copies the segments of one such page, before `segment` is used. */
  takeIndirect(page: number, from: Uint8Array): void {
    const first = page * SEGMENTS_PER_PAGE
    const count = Math.min(this.segments - first, SEGMENTS_PER_PAGE)
    this.#indirect.set(from.subarray(0, count * SEGMENT_BYTES), first * SEGMENT_BYTES)
  }

  segmentRef(segment: number): number {
    return blkif_request_segment.gref.get(this.#segments, this.#at(segment))
  }

  firstSector(segment: number): number {
    return blkif_request_segment.first_sect.get(this.#segments, this.#at(segment))
  }

  lastSector(segment: number): number {
    return blkif_request_segment.last_sect.get(this.#segments, this.#at(segment))
  }

  get discardBytes(): number {
    return blkif_request_discard.nr_sectors.getNumber(this.#view, 0) * 512
  }

  get discardFlag(): number {
    return blkif_request_discard.flag.get(this.#view, 0)
  }

  get #segments(): DataView {
    return this.isIndirect ? this.#indirectView : this.#view
  }

  #at(segment: number): number {
    return this.isIndirect ? segment * SEGMENT_BYTES : blkif_request.seg.at(segment)
  }
}
