import { describe, expect, it } from 'vitest'
import { SRING_ENTRIES, sring } from '../../src/abi/io/ring.ts'
import { BackRing, RING_INDICES, ringEntries } from '../../src/backend/back-ring.ts'
import { PAGE_SIZE, type SharedPage, sharedPage } from '../../src/ring/shared-page.ts'

const ENTRY = 112

/** The guest's half, over pages that lie apart. */
class FrontHalf {
  readonly pages: SharedPage[]
  readonly #view: DataView
  readonly #memory: SharedArrayBuffer
  readonly size: number
  #produced = 0

  constructor(pages: number) {
    this.#memory = new SharedArrayBuffer((2 * pages + 1) * PAGE_SIZE)
    this.pages = Array.from({ length: pages }, (_, page) => sharedPage(this.#memory, 2 * page * PAGE_SIZE, () => {}))
    this.#view = new DataView(this.#memory)
    this.size = ringEntries(pages, ENTRY)
    this.#view.setUint32(sring.req_event.offset, 1, true)
    this.#view.setUint32(sring.rsp_event.offset, 1, true)
  }

  /** Starts both halves at an index, as after a save. */
  beginAt(index: number): void {
    this.#produced = index
    for (const field of [sring.req_prod, sring.rsp_prod]) this.#view.setUint32(field.offset, index, true)
    for (const field of [sring.req_event, sring.rsp_event]) this.#view.setUint32(field.offset, index + 1, true)
  }

  #at(index: number, byte: number): number {
    const at = SRING_ENTRIES + ((index >>> 0) % this.size) * ENTRY + byte
    return 2 * PAGE_SIZE * Math.floor(at / PAGE_SIZE) + (at % PAGE_SIZE)
  }

  /** A request whose bytes all are `value`. @returns whether an event is due */
  request(value: number): boolean {
    for (let byte = 0; byte < ENTRY; byte++) this.#view.setUint8(this.#at(this.#produced, byte), value)
    this.#produced = (this.#produced + 1) >>> 0
    this.#view.setUint32(sring.req_prod.offset, this.#produced, true)
    return this.#view.getUint32(sring.req_event.offset, true) === this.#produced
  }

  answerAt(index: number): number[] {
    return Array.from({ length: ENTRY }, (_, byte) => this.#view.getUint8(this.#at(index, byte)))
  }

  get answers(): number {
    return this.#view.getUint32(sring.rsp_prod.offset, true)
  }

  set wantsEventAt(index: number) {
    this.#view.setUint32(sring.rsp_event.offset, index, true)
  }

  set producer(index: number) {
    this.#view.setUint32(sring.req_prod.offset, index, true)
  }
}

function all(value: number): Uint8Array {
  return new Uint8Array(ENTRY).fill(value)
}

describe.each([1, 2, 4, 16])('a ring of %d pages', (pages) => {
  it.each([0, 0xffff_fff0])('carries requests and answers for several rounds, from index %d', (start) => {
    const front = new FrontHalf(pages)
    front.beginAt(start)
    const ring = new BackRing(front.pages, ENTRY)
    const taken = new Uint8Array(ENTRY)
    for (let round = 0; round < 3 * front.size; round++) {
      front.request(round & 0xff)
      expect(ring.waiting()).toBe(1)
      ring.take(taken)
      expect(taken).toEqual(all(round & 0xff))
      ring.answer(all((round + 7) & 0xff))
      ring.publish()
      expect(front.answers).toBe((start + round + 1) >>> 0)
      expect(front.answerAt((start + round) >>> 0)).toEqual([...all((round + 7) & 0xff)])
    }
  })
})

describe('a ring', () => {
  it('has the sizes that the macros of ring.h give', () => {
    expect([1, 2, 4, 8, 16].map((pages) => ringEntries(pages, ENTRY))).toEqual([32, 64, 128, 256, 512])
    expect(ringEntries(1, 12)).toBe(256)
    expect(ringEntries(1, 8)).toBe(256)
  })

  it('takes no more requests than there are entries until some are answered', () => {
    const front = new FrontHalf(1)
    const ring = new BackRing(front.pages, ENTRY)
    for (let request = 0; request < 32; request++) front.request(request)
    expect(ring.waiting()).toBe(32)
    const taken = new Uint8Array(ENTRY)
    for (let request = 0; request < 32; request++) ring.take(taken)
    expect(ring.waiting()).toBe(0)
    front.request(99)
    expect(ring.waiting()).toBeUndefined()
  })

  it.each([33, 0x8000_0000, 0xffff_ffff])('is broken when the guest claims %d requests', (producer) => {
    const front = new FrontHalf(1)
    const ring = new BackRing(front.pages, ENTRY)
    front.producer = producer
    expect(ring.waiting()).toBeUndefined()
    expect(ring.sleep()).toBe(false)
  })

  it('asks for an event with the next request, and sees one that came meanwhile', () => {
    const front = new FrontHalf(1)
    const ring = new BackRing(front.pages, ENTRY)
    const taken = new Uint8Array(ENTRY)
    expect(front.request(1)).toBe(true)
    expect(front.request(2)).toBe(false)
    ring.take(taken)
    expect(ring.sleep()).toBe(false)
    ring.take(taken)
    expect(ring.sleep()).toBe(true)
    expect(front.request(3)).toBe(true)
  })

  it('asks for an event with a later request only', () => {
    const front = new FrontHalf(1)
    const ring = new BackRing(front.pages, ENTRY)
    expect(ring.sleepUntil(3)).toBe(true)
    expect([front.request(1), front.request(2)]).toEqual([false, false])
    expect(ring.sleepUntil(3)).toBe(true)
    expect(front.request(3)).toBe(true)
    expect(ring.sleepUntil(3)).toBe(false)
  })

  it('sends an event only if an answer is one that the guest waits for', () => {
    const front = new FrontHalf(1)
    const ring = new BackRing(front.pages, ENTRY)
    const taken = new Uint8Array(ENTRY)
    const answer = (): boolean => {
      front.request(0)
      ring.take(taken)
      ring.answer(taken)
      return ring.publish()
    }
    expect(ring.publish()).toBe(false)
    expect(answer()).toBe(true)
    front.wantsEventAt = 3
    expect([answer(), answer(), answer()]).toEqual([false, true, false])
  })
})

describe('a ring that two threads serve in turn', () => {
  it('goes on where the other has left it, and a request that is put back is taken again', () => {
    const front = new FrontHalf(1)
    front.beginAt(0)
    const indices = new Int32Array(new SharedArrayBuffer(4 * RING_INDICES))
    const one = new BackRing(front.pages, ENTRY, indices)
    front.request(1)
    front.request(2)
    const taken = new Uint8Array(ENTRY)
    one.take(taken)
    one.answer(all(9))
    const other = new BackRing(front.pages, ENTRY, indices, true)
    other.take(taken)
    other.putBack()
    expect([one.waiting(), one.outstanding, front.answers]).toEqual([1, 0, 0])
    one.take(taken)
    expect([...taken]).toEqual([...all(2)])
    other.answer(all(8))
    other.publish()
    expect([front.answers, front.answerAt(0), front.answerAt(1)]).toEqual([2, [...all(9)], [...all(8)]])
    expect(one.publish()).toBe(false)
  })
})
