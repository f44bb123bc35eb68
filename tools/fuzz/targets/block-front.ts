/** A front end of a disk whose rings, keys and grants are as a tape says: often nearly right, seldom right. */
import {
  BLKIF_OP_DISCARD,
  BLKIF_OP_INDIRECT,
  blkif_request,
  blkif_request_discard,
  blkif_request_indirect,
  blkif_request_segment,
  sizeof,
} from '../../../libs/core/src/abi/index.ts'
import { SRING_ENTRIES } from '../../../libs/core/src/abi/io/ring.ts'
import { ringEntries, type SharedPage } from '../../../libs/core/src/index.ts'
import type { Tape } from '../tape.ts'
import type { DeviceGuest } from './device-guest.ts'
import {
  DATA_FROM,
  DATA_PAGES,
  GUARDED_REF,
  grantPages,
  READONLY_REF,
  REFS,
  RING_REF,
  WRITABLE_REF,
} from './device-pages.ts'

/** PFNs of the rings, two pages each. */
const RINGS: readonly number[] = [8, 10]
const ENTRY = sizeof(blkif_request)
const SEGMENT = sizeof(blkif_request_segment)
/** Sectors of the disk, and numbers around its ends. */
const SECTORS: readonly number[] = [0, 1, 7, 8, 63, 120, 127, 128, 0xffff_ffff]
const STRANGE_TEXT: readonly string[] = ['', '-1', '1.5', '0x10', '4294967296', '99999999999999999999', 'x', '\0', '5']

export class BlockFront {
  readonly #guest: DeviceGuest
  readonly #ports: readonly number[]
  readonly #entry = new Uint8Array(ENTRY)
  readonly #scratch = new DataView(this.#entry.buffer)
  #pages = 1

  constructor(guest: DeviceGuest) {
    this.#guest = guest
    for (let n = 0; n < 4; n++) guest.grant(RING_REF + n, (RINGS[0] as number) + n, false)
    grantPages(guest)
    this.#ports = [guest.offerPort(), guest.offerPort()]
  }

  /** Writes its keys: right ones, if the tape is empty. */
  offer(tape: Tape): void {
    const { keys } = this.#guest
    keys.clear()
    const set = (key: string, value: number): void => {
      const odd = tape.below(48)
      if (odd < 46) keys.set(key, String(value))
      else if (odd === 47) keys.set(key, tape.pick(STRANGE_TEXT))
    }
    const queues = tape.below(3) === 2 ? 2 : 1
    const order = tape.below(3)
    this.#pages = order === 2 ? 2 : 1
    if (queues === 2) set('multi-queue-num-queues', queues)
    if (order > 0) set('ring-page-order', order - 1)
    set('feature-persistent', tape.below(2))
    for (let queue = 0; queue < queues; queue++) {
      const folder = queues === 1 ? '' : `queue-${queue}/`
      for (let page = 0; page < this.#pages; page++) {
        set(`${folder}ring-ref${order === 0 ? '' : page}`, RING_REF + 2 * queue + page)
      }
      set(`${folder}event-channel`, this.#ports[queue] as number)
    }
  }

  /** The ports of a connection are closed with it, and offered anew with the next. */
  reopen(): void {
    ;(this.#ports as number[]).splice(0, 2, this.#guest.offerPort(), this.#guest.offerPort())
  }

  notify(tape: Tape): void {
    this.#guest.send(this.#ports[tape.below(2)] as number)
  }

  /** Puts requests in a ring and shows them. @returns how many */
  put(tape: Tape): number {
    const ring = tape.below(4) === 3 ? 1 : 0
    const page = this.#ringPage(ring, 0)
    const size = ringEntries(this.#pages, ENTRY)
    const produced = Atomics.load(page.words, 0)
    const count = 1 + tape.below(tape.below(8) === 0 ? 40 : 4)
    for (let n = 0; n < count; n++) {
      this.#request(tape)
      this.#write(ring, (produced + n) & (size - 1))
    }
    Atomics.store(page.words, 0, produced + count)
    return count
  }

  scribble(tape: Tape): void {
    const { words } = this.#ringPage(tape.below(2), tape.below(2))
    this.change(tape.below(8) === 0 ? tape.below(words.length) : tape.below(4), tape, words)
  }

  change(index: number, tape: Tape, words: Int32Array = this.words(tape)): void {
    const near = Atomics.load(words, index) + tape.below(80) - 40
    Atomics.store(words, index, tape.below(4) === 0 ? tape.u32() | 0 : near)
  }

  words(tape: Tape): Int32Array {
    return this.#ringPage(tape.below(2), 0).words
  }

  changeGrant(tape: Tape): void {
    const ref = tape.below(REFS)
    if (tape.below(2) === 0) this.#guest.scribbleGrant(ref, tape.u32())
    else this.#guest.grant(ref, DATA_FROM + tape.below(DATA_PAGES), tape.below(2) === 0)
  }

  #ringPage(ring: number, page: number): SharedPage {
    return this.#guest.page((RINGS[ring] as number) + page)
  }

  #request(tape: Tape): void {
    const at = this.#scratch
    const kind = tape.below(10)
    const operation = kind < 7 ? [0, 1, 0, 1, 3, 2, 5][kind] : kind < 9 ? BLKIF_OP_INDIRECT : tape.byte()
    const sector = tape.below(16) === 0 ? tape.u32() * 2 ** 21 : tape.pick(SECTORS) + tape.below(4)
    for (let word = 0; word < ENTRY; word += 4) at.setUint32(word, tape.below(16) === 0 ? tape.u32() : 0, true)
    blkif_request.operation.set(at, 0, operation as number)
    blkif_request.id.set(at, 0, BigInt(tape.u32()))
    blkif_request.sector_number.set(at, 0, BigInt(sector))
    if (operation === BLKIF_OP_DISCARD) blkif_request_discard.nr_sectors.set(at, 0, BigInt(tape.pick(SECTORS)))
    else if (operation === BLKIF_OP_INDIRECT) this.#indirect(tape)
    else {
      const segments = tape.below(16) === 0 ? tape.byte() : tape.below(4)
      blkif_request.nr_segments.set(at, 0, segments)
      for (let n = 0; n < Math.min(segments, 11); n++) segment(at, blkif_request.seg.at(n), tape)
    }
  }

  /** Its segments lie in a page of data, which another request may be reading into. */
  #indirect(tape: Tape): void {
    const at = this.#scratch
    const page = tape.below(DATA_PAGES)
    const segments = tape.below(16) === 0 ? tape.below(65_536) : tape.below(40)
    blkif_request_indirect.indirect_op.set(at, 0, tape.below(8) === 0 ? tape.byte() : tape.below(2))
    blkif_request_indirect.nr_segments.set(at, 0, segments)
    blkif_request_indirect.indirect_grefs.set(at, 0, 0, tape.below(8) === 0 ? tape.u32() : WRITABLE_REF + page)
    const { bytes } = this.#guest.page(DATA_FROM + page)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let n = 0; n < Math.min(segments, 40); n++) segment(view, n * SEGMENT, tape)
  }

  #write(ring: number, entry: number): void {
    const start = SRING_ENTRIES + entry * ENTRY
    const inFirst = Math.min(ENTRY, 4096 - (start & 4095))
    this.#ringPage(ring, start >> 12).bytes.set(this.#entry.subarray(0, inFirst), start & 4095)
    if (inFirst < ENTRY) this.#ringPage(ring, (start >> 12) + 1).bytes.set(this.#entry.subarray(inFirst))
  }
}

function segment(view: DataView, at: number, tape: Tape): void {
  const strange = tape.below(24)
  const from = [WRITABLE_REF, READONLY_REF, GUARDED_REF][strange === 1 ? 1 : strange === 2 ? 2 : 0] as number
  blkif_request_segment.gref.set(view, at, strange === 3 ? tape.u32() : from + tape.below(DATA_PAGES))
  const first = strange === 4 ? tape.byte() : tape.below(8)
  blkif_request_segment.first_sect.set(view, at, first)
  blkif_request_segment.last_sect.set(view, at, strange === 5 ? tape.byte() : Math.min(7, first + tape.below(8)))
}
