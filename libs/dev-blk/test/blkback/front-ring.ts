import {
  BLKIF_OP_DISCARD,
  BLKIF_OP_INDIRECT,
  blkif_request,
  blkif_request_discard,
  blkif_request_indirect,
  blkif_request_segment,
  blkif_response,
  sizeof,
  sring,
} from '@paravane/core/abi'
import type { FakeGuest } from './fake-guest.ts'

const ENTRY = sizeof(blkif_request)
const SEGMENT = sizeof(blkif_request_segment)

/** Sectors of a page that is granted; all of it by default. */
export interface Segment {
  readonly ref: number
  readonly first?: number
  readonly last?: number
}

export interface Asked {
  readonly op: number
  readonly id?: bigint
  readonly sector?: number | bigint
  readonly segments?: readonly Segment[]
  /** Instead of the number of segments. */
  readonly count?: number
  /** Of a discard. */
  readonly sectors?: number | bigint
  readonly flag?: number
  /** Grants of pages for the segments of an indirect request, with the pages. */
  readonly indirect?: readonly { readonly ref: number; readonly page: number }[]
}

export interface Answer {
  readonly id: bigint
  readonly operation: number
  readonly status: number
}

/** A front end's half of a ring over pages of the guest. */
export class FrontRing {
  readonly size: number
  /** Of requests; a hostile front end sets it to anything. */
  produced = 0
  #consumed = 0
  readonly #guest: FakeGuest
  readonly #view: DataView

  /** @param page the first of `pages` that lie side by side */
  constructor(guest: FakeGuest, page: number, pages: number = 1) {
    this.#guest = guest
    this.#view = new DataView(guest.bytes.buffer, page * 4096, pages * 4096)
    this.size = 1 << Math.floor(Math.log2((pages * 4096 - 64) / ENTRY))
    sring.req_event.set(this.#view, 0, 1)
    sring.rsp_event.set(this.#view, 0, 1)
  }

  /** Writes a request, and shows it. */
  ask(request: Asked): void {
    this.write(request)
    this.show()
  }

  write({ op, id = BigInt(this.produced), sector = 0, segments = [], indirect, ...rest }: Asked): void {
    const view = this.#view
    const at = 64 + (this.produced++ & (this.size - 1)) * ENTRY
    const count = rest.count ?? segments.length
    blkif_request.id.set(view, at, id)
    if (indirect !== undefined) {
      blkif_request_indirect.operation.set(view, at, BLKIF_OP_INDIRECT)
      blkif_request_indirect.indirect_op.set(view, at, op)
      blkif_request_indirect.nr_segments.set(view, at, count)
      blkif_request_indirect.sector_number.set(view, at, BigInt(sector))
      for (const [n, { ref }] of indirect.entries()) blkif_request_indirect.indirect_grefs.set(view, at, n, ref)
      for (const [n, segment] of segments.entries()) {
        const page = indirect[n >> 9]?.page
        if (page !== undefined) this.#segment(page * 4096 - view.byteOffset + (n & 511) * SEGMENT, segment)
      }
      return
    }
    blkif_request.operation.set(view, at, op)
    blkif_request.sector_number.set(view, at, BigInt(sector))
    if (op === BLKIF_OP_DISCARD) {
      blkif_request_discard.flag.set(view, at, rest.flag ?? 0)
      blkif_request_discard.nr_sectors.set(view, at, BigInt(rest.sectors ?? 0))
      return
    }
    blkif_request.nr_segments.set(view, at, count)
    for (const [n, segment] of segments.slice(0, 11).entries()) this.#segment(at + blkif_request.seg.at(n), segment)
  }

  /** Shows what was written. @returns whether the back end wants an event */
  show(): boolean {
    const before = sring.req_prod.get(this.#view, 0)
    sring.req_prod.set(this.#view, 0, this.produced >>> 0)
    return (this.produced - sring.req_event.get(this.#view, 0)) >>> 0 < (this.produced - before) >>> 0
  }

  /** Takes the answers that are there, and asks for an event with the next. */
  answers(): Answer[] {
    const all: Answer[] = []
    while (this.#consumed !== sring.rsp_prod.get(this.#view, 0)) {
      const at = 64 + (this.#consumed & (this.size - 1)) * ENTRY
      all.push({
        id: blkif_response.id.get(this.#view, at),
        operation: blkif_response.operation.get(this.#view, at),
        status: blkif_response.status.get(this.#view, at),
      })
      this.#consumed = (this.#consumed + 1) >>> 0
    }
    sring.rsp_event.set(this.#view, 0, (this.#consumed + 1) >>> 0)
    return all
  }

  #segment(at: number, { ref, first = 0, last = 7 }: Segment): void {
    const view = new DataView(this.#guest.bytes.buffer)
    const start = this.#view.byteOffset + at
    blkif_request_segment.gref.set(view, start, ref)
    blkif_request_segment.first_sect.set(view, start, first)
    blkif_request_segment.last_sect.set(view, start, last)
  }
}
