/** A front end of a network card whose rings, keys and grants are as a tape says: often nearly right, seldom right. */

import { SRING_ENTRIES } from '../../../libs/core/src/abi/io/ring.ts'
import { PAGE_SIZE, ringEntries, type SharedPage } from '../../../libs/core/src/index.ts'
import type { Tape } from '../tape.ts'
import type { DeviceGuest } from './device-guest.ts'
import {
  DATA_FROM,
  DATA_PAGES,
  GUARDED_PAGES,
  GUARDED_REF,
  grantPages,
  READONLY_REF,
  REFS,
  RING_REF,
  WRITABLE_REF,
} from './device-pages.ts'

/** PFNs of the rings. */
const RINGS: readonly number[] = [8, 9, 10, 11]
const [REQ_PROD, INDICES] = [0, 4]
const [TX_ENTRY, RX_ENTRY] = [12, 8]
const [MORE, EXTRA] = [4, 8]
const SIZES: readonly number[] = [0, 1, 13, 14, 60, 1514, 4095, 4096, 4097, 0x7fff, 0xffff]
const STRANGE_TEXT: readonly string[] = ['', '0', '-1', '1.5', '0x10', '4294967296', '99999999999999999999', 'x', '\0']

interface Ring {
  readonly page: SharedPage
  readonly entryBytes: number
  readonly size: number
}

export class NetFront {
  readonly #guest: DeviceGuest
  readonly #rings: readonly Ring[]
  readonly #ports: readonly number[]
  readonly #view = new DataView(new ArrayBuffer(16))

  constructor(guest: DeviceGuest) {
    this.#guest = guest
    this.#rings = RINGS.map((pfn, n) => {
      const entryBytes = n % 2 === 0 ? TX_ENTRY : RX_ENTRY
      guest.grant(RING_REF + n, pfn, false)
      return { page: guest.page(pfn), entryBytes, size: ringEntries(1, entryBytes) }
    })
    grantPages(guest)
    this.#ports = Array.from({ length: 4 }, () => guest.offerPort())
  }

  /** Writes its keys: right ones, if the tape is empty. */
  offer(tape: Tape): void {
    const { keys } = this.#guest
    keys.clear()
    const queues = tape.below(4) === 3 ? 2 : 1
    const isSplit = tape.below(3) !== 2
    const set = (key: string, value: number): void => {
      const odd = tape.below(48)
      if (odd === 47) keys.set(key, tape.pick(STRANGE_TEXT))
      else if (odd === 46) keys.set(key, String(tape.u32()))
      else if (odd !== 45) keys.set(key, String(value))
    }
    for (const ring of this.#rings) ring.page.words.fill(0, 0, INDICES)
    if (queues > 1) set('multi-queue-num-queues', queues)
    for (let n = 0; n < queues; n++) {
      const folder = queues > 1 ? `queue-${n}/` : ''
      set(`${folder}tx-ring-ref`, RING_REF + 2 * n)
      set(`${folder}rx-ring-ref`, RING_REF + 2 * n + 1)
      if (isSplit) {
        set(`${folder}event-channel-tx`, this.#ports[2 * n] as number)
        set(`${folder}event-channel-rx`, this.#ports[2 * n + 1] as number)
      } else set(`${folder}event-channel`, this.#ports[2 * n] as number)
    }
    for (const key of ['request-rx-copy', 'feature-sg', 'feature-gso-tcpv4', 'feature-gso-tcpv6']) set(key, 1)
    if (tape.below(4) === 1) set('request-multicast-control', 1)
  }

  /** Puts packets of any shape in a ring. @returns requests */
  transmit(tape: Tape): number {
    const ring = this.#rings[2 * tape.below(2)] as Ring
    const packets = 1 + tape.below(tape.below(8) === 7 ? 64 : 3)
    let count = 0
    for (let packet = 0; packet < packets; packet++) count += this.#packet(ring, tape)
    return count
  }

  #packet(ring: Ring, tape: Tape): number {
    const slots = tape.below(12) === 11 ? 1 + tape.below(24) : 1 + tape.below(3)
    const extras = tape.below(3) === 2 ? 1 + tape.below(3) : 0
    const size = tape.pick(SIZES)
    for (let slot = 0; slot < slots; slot++) {
      const goesOn = slot < slots - 1 ? MORE : 0
      const odd = tape.below(16)
      const ownSize = slot === 0 ? size : Math.floor(size / (slots + 1))
      this.#view.setUint32(0, this.#ref(tape), true)
      this.#view.setUint16(4, odd === 15 ? tape.below(0x1_0000) : tape.below(64) * (odd & 1), true)
      this.#view.setUint16(
        6,
        odd === 14 ? tape.byte() : goesOn | (slot === 0 && extras > 0 ? EXTRA : 0) | (odd & 3),
        true,
      )
      this.#view.setUint16(8, count16(slot, tape), true)
      this.#view.setUint16(10, odd === 13 ? tape.below(0x1_0000) : ownSize, true)
      this.#put(ring)
      for (let extra = 0; slot === 0 && extra < extras; extra++) this.#extra(ring, tape, extra < extras - 1)
    }
    return slots + extras
  }

  #extra(ring: Ring, tape: Tape, goesOn: boolean): void {
    const type = tape.below(20) === 19 ? tape.byte() : 1 + tape.below(4)
    this.#view.setUint8(0, type)
    this.#view.setUint8(1, tape.below(20) === 19 ? tape.byte() : goesOn ? 1 : 0)
    this.#view.setUint16(2, tape.below(2000), true)
    this.#view.setUint8(4, tape.below(4) === 3 ? tape.byte() : 1 + tape.below(2))
    for (let at = 5; at < 12; at++) this.#view.setUint8(at, 0)
    this.#put(ring)
  }

  /** Sets out pages to receive in. @returns requests */
  post(tape: Tape): number {
    const ring = this.#rings[1 + 2 * tape.below(2)] as Ring
    const count = tape.below(8) === 7 ? tape.below(300) : tape.below(40)
    for (let n = 0; n < count; n++) {
      this.#view.setUint16(0, tape.byte(), true)
      this.#view.setUint32(4, n < 8 ? this.#ref(tape) : WRITABLE_REF + (n % DATA_PAGES), true)
      this.#put(ring)
    }
    return count
  }

  /** Fills a data page with what may be a packet. */
  changeGrant(tape: Tape): void {
    const pfn = DATA_FROM + tape.below(DATA_PAGES)
    const { bytes } = this.#guest.page(pfn)
    const isPacket = tape.below(2) === 0
    if (isPacket) {
      bytes.set([...new Array(12).fill(2), 8, 0, 0x45, 0, 0, tape.byte(), 0, 1, 0, 0, 64, tape.below(3) ? 6 : 17, 0, 0])
      bytes[46] = tape.below(3) ? 0x50 : tape.byte()
    } else if (tape.below(2) === 0) bytes.set(tape.bytes(24), tape.below(64))
    else this.#guest.scribbleGrant(WRITABLE_REF + tape.below(GUARDED_REF - WRITABLE_REF), notPermitted(tape))
  }

  /** Writes anything in a ring: an index, or a slot. */
  scribble(tape: Tape): void {
    const { page } = tape.pick(this.#rings)
    if (tape.below(3) > 0) page.words[tape.below(INDICES)] = tape.below(2) ? tape.u32() : tape.below(512)
    else page.bytes.set(tape.bytes(16), SRING_ENTRIES + tape.below(PAGE_SIZE - SRING_ENTRIES - 16))
  }

  words(tape: Tape): Int32Array {
    return tape.pick(this.#rings).page.words
  }

  /** Changes an index that is being read. */
  change(index: number, tape: Tape): void {
    if (index !== REQ_PROD) return
    for (const { page } of this.#rings) page.words[REQ_PROD] = (page.words[REQ_PROD] as number) + tape.below(40)
  }

  notify(tape: Tape): void {
    this.#guest.send(tape.below(8) === 7 ? tape.below(16) : tape.pick(this.#ports))
    if (tape.below(2) === 0) for (const port of this.#ports) this.#guest.send(port)
  }

  #ref(tape: Tape): number {
    const odd = tape.below(32)
    if (odd === 31) return tape.u32()
    if (odd === 30) return tape.below(REFS)
    if (odd === 29) return GUARDED_REF + tape.below(GUARDED_PAGES)
    return (odd & 4 ? READONLY_REF : WRITABLE_REF) + tape.below(DATA_PAGES)
  }

  /** Puts the view's bytes in the next slot, and shows it. */
  #put({ page, entryBytes, size }: Ring): void {
    const produced = page.words[REQ_PROD] as number
    const at = SRING_ENTRIES + (produced & (size - 1)) * entryBytes
    page.bytes.set(new Uint8Array(this.#view.buffer, 0, entryBytes), at)
    page.words[REQ_PROD] = produced + 1
  }
}

/** A word of a grant entry that lets nobody write a guarded page. */
function notPermitted(tape: Tape): number {
  return tape.u32() & ~3
}

const count16 = (slot: number, tape: Tape): number => (slot * 256 + tape.byte()) & 0xffff
