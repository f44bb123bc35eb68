import type { SharedPage } from './shared-page.ts'

/** Where one direction of a byte stream lies in a shared page. Byte offsets; the indices are u32 that run freely. */
export interface ByteRingLayout {
  readonly data: number
  /** Capacity in bytes, a power of two. */
  readonly size: number
  readonly cons: number
  readonly prod: number
}

/**
 * Our own index is kept here and only ever stored to the page, so the guest cannot move it; it is loaded once, since a
 * ring may have been in use before (a restored domain).
 */
abstract class RingEnd {
  protected readonly page: SharedPage
  protected readonly layout: ByteRingLayout
  protected own: number
  readonly #ownOffset: number
  readonly #otherOffset: number

  constructor(page: SharedPage, layout: ByteRingLayout, ownOffset: number, otherOffset: number) {
    this.page = page
    this.layout = layout
    this.#ownOffset = ownOffset
    this.#otherOffset = otherOffset
    this.own = this.#load(ownOffset)
  }

  /** The peer's index: one read of the page. */
  protected other(): number {
    return this.#load(this.#otherOffset)
  }

  /** Shows the peer how far we are; everything done to the data before is seen before. */
  protected publish(): void {
    Atomics.store(this.page.words, this.#ownOffset >> 2, this.own | 0)
    this.page.commit(this.#ownOffset, 4)
  }

  /** Takes up the index the page holds now. */
  reload(): void {
    this.own = this.#load(this.#ownOffset)
  }

  #load(offset: number): number {
    return Atomics.load(this.page.words, offset >> 2) >>> 0
  }
}

/** The reading end of a byte ring whose producer is not trusted. */
export class RingReader extends RingEnd {
  constructor(page: SharedPage, layout: ByteRingLayout) {
    super(page, layout, layout.cons, layout.prod)
  }

  /** Bytes to read at this moment; undefined if the producer's index is impossible. */
  available(): number | undefined {
    const filled = (this.other() - this.own) >>> 0
    return filled <= this.layout.size ? filled : undefined
  }

  /** Moves bytes to the start of `into` and frees their room. @param count at most what `available` returned */
  read(into: Uint8Array, count: number): void {
    const { data, size } = this.layout
    const at = this.own & (size - 1)
    const first = Math.min(count, size - at)
    into.set(this.page.bytes.subarray(data + at, data + at + first))
    into.set(this.page.bytes.subarray(data, data + count - first), first)
    this.own = (this.own + count) >>> 0
    this.publish()
  }
}

/** The writing end of a byte ring whose consumer is not trusted. */
export class RingWriter extends RingEnd {
  constructor(page: SharedPage, layout: ByteRingLayout) {
    super(page, layout, layout.prod, layout.cons)
  }

  /** Bytes there is room for at this moment; undefined if the consumer's index is impossible. */
  space(): number | undefined {
    const filled = (this.own - this.other()) >>> 0
    return filled <= this.layout.size ? this.layout.size - filled : undefined
  }

  /** Appends bytes and shows them to the consumer. @param bytes at most as many as `space` returned */
  write(bytes: Uint8Array): void {
    const { data, size } = this.layout
    const at = this.own & (size - 1)
    const first = Math.min(bytes.length, size - at)
    this.page.bytes.set(bytes.subarray(0, first), data + at)
    this.page.bytes.set(bytes.subarray(first), data)
    this.page.commit(data, size)
    this.own = (this.own + bytes.length) >>> 0
    this.publish()
  }
}
