import { executeIndex } from './execute-index.ts'
import { PAGE_CACHE, TLB, USED, type XTLB } from './layout.ts'

/** Where a bank lies, from the vCPU's base, and how it is laid out. */
export interface TlbBankPlace {
  readonly at: number
  readonly shape: typeof TLB | typeof XTLB
  /** Its list of used entries (USED). */
  readonly used: number
}

/** A TLB of one mode, data or execute, as those who take translations away see it. */
export class TlbBank {
  readonly #i32: Int32Array<ArrayBufferLike>
  readonly #u16: Uint16Array<ArrayBufferLike>
  readonly #first: number
  readonly #words: number
  readonly #entries: number
  readonly #count: number
  readonly #list: number
  readonly #upper: number
  /** First word of its page cache, undefined if it has none. */
  readonly #cache: number | undefined

  constructor(
    views: { readonly i32: Int32Array<ArrayBufferLike>; readonly u16: Uint16Array<ArrayBufferLike> },
    base: number,
    { at, shape, used }: TlbBankPlace,
  ) {
    this.#i32 = views.i32
    this.#u16 = views.u16
    this.#first = (base + at) >>> 2
    this.#words = shape.ENTRY / 4
    this.#entries = shape.ENTRIES
    this.#count = (base + used + USED.COUNT) >>> 2
    this.#list = (base + used + USED.LIST) >>> 1
    this.#upper = (base + used + USED.UPPER) >>> 2
    this.#cache = shape === TLB ? this.#first + PAGE_CACHE.AT / 4 : undefined
  }

  /** Whatever was there before. */
  reset(): void {
    this.#i32.fill(-1, this.#first, this.#first + this.#entries * this.#words)
    this.#forgetList()
  }

  #forgetList(): void {
    this.#i32[this.#count] = 0
    this.#i32[this.#upper] = 0
    this.#forgetPages()
  }

  /** An entry that was empty is not any more, or one of the upper half is of the lower now. */
  use(index: number): void {
    const count = this.#i32[this.#count]
    if (count > USED.MOST) return
    if (count < USED.MOST) this.#u16[this.#list + count] = index
    this.#i32[this.#count] = count + 1
  }

  empty(): void {
    const count = this.#i32[this.#count]
    if (count > USED.MOST) {
      this.reset()
      return
    }
    for (let n = 0; n < count; n++) this.#emptyEntry(this.#first + this.#u16[this.#list + n] * this.#words)
    this.#forgetList()
  }

  /** Leaves each entry that it looks at in the list once, or nearly. @returns whether there was any in the lower half */
  emptyLowerHalf(): boolean {
    const i32 = this.#i32
    const all = i32[this.#count] > USED.MOST
    const first = all ? 0 : i32[this.#upper]
    const count = all ? this.#entries : i32[this.#count]
    i32[this.#count] = first
    this.#forgetPages()
    let found = false
    for (let n = first; n < count; n++) {
      const index = all ? n : this.#u16[this.#list + n]
      const at = this.#first + index * this.#words
      // An empty tag is all ones, which no page's is.
      if (i32[at] === -1) continue
      if (i32[at + 1] >= 0) {
        this.#emptyEntry(at)
        found = true
      } else this.use(index)
    }
    i32[this.#upper] = i32[this.#count]
    return found
  }

  /** Of a data TLB: stores to pages ask again; only to those that map the frame, if one is given. */
  revokeWrites(frameHost?: number): void {
    const i32 = this.#i32
    const all = i32[this.#count] > USED.MOST
    const count = all ? this.#entries : i32[this.#count]
    this.#forgetPages()
    for (let n = 0; n < count; n++) {
      const entry = this.#first + (all ? n : this.#u16[this.#list + n]) * this.#words
      const at = entry + TLB.WRITE_TAG / 4
      if ((i32[at] & 0xfff) !== 0) continue
      if (frameHost !== undefined && ((i32[at] + i32[entry + TLB.ADDEND / 4]) ^ frameHost) !== 0) continue
      i32[at] = -1
      i32[at + 1] = -1
    }
  }

  /** How long the list is; undefined where it does not tell all. */
  get listed(): number | undefined {
    const count = this.#i32[this.#count]
    return count > USED.MOST ? undefined : count
  }

  /** The words of entries that are not empty, some of them twice: of those in the list from a place of it on, or of all. */
  copy(from: number = 0): Int32Array<ArrayBuffer> {
    const { listed } = this
    const all = listed === undefined
    const count = listed ?? this.#entries
    const words = new Int32Array((count - from) * this.#words)
    let length = 0
    for (let n = from; n < count; n++) {
      const at = this.#first + (all ? n : this.#u16[this.#list + n]) * this.#words
      if (this.#i32[at] === -1) continue
      for (let word = 0; word < this.#words; word++) words[length++] = this.#i32[at + word]
    }
    return length === words.length ? words : words.slice(0, length)
  }

  emptyPage(index: number): void {
    this.#emptyEntry(this.#first + (index & (this.#entries - 1)) * this.#words)
    this.#forgetPages()
  }

  /** Of an execute TLB: empties the entry of this page. @returns whether there was one */
  dropPage(va: bigint): boolean {
    const at = this.#first + executeIndex(va) * this.#words
    // Below the page's bits is the mode of the code.
    const isThis =
      (this.#i32[at] & -4096) === Number(BigInt.asIntN(32, va & ~0xfffn)) &&
      this.#i32[at + 1] === Number(BigInt.asIntN(32, va >> 32n))
    if (isThis) this.#emptyEntry(at)
    return isThis
  }

  /** The page cache holds nothing that the TLB does not hold. */
  #forgetPages(): void {
    if (this.#cache !== undefined) this.#i32.fill(-1, this.#cache, this.#cache + PAGE_CACHE.BYTES / 4)
  }

  /** All that a tag can be of: both of a data TLB's, an execute TLB's and what goes with it. */
  #emptyEntry(at: number): void {
    const i32 = this.#i32
    i32[at] = -1
    i32[at + 1] = -1
    i32[at + 2] = -1
    i32[at + 3] = -1
  }
}
