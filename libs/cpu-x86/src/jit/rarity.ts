/** A part of the jumps that make a place hot: in how many instructions of the vCPU these are made tells whether it is rare. */
const AGAIN = 5
/** Places that are rare, before all are counted anew. */
const MOST_COUNTED = 0x10000

/**
 * Which places that are hot by the number of jumps to them are too rare for a region: code that is run now and then for long gets there too,
 * and compiling it would be in the way of what is run much.
 */
export class Rarity {
  /** Jumps until a place that is hot and rare is looked at again. */
  readonly jumps: number
  readonly #most: number
  /** By record: ICOUNT, its low half, when it was looked at last. */
  readonly #seen = new Map<number, number>()

  /** @param instructions of the vCPU between two jumps to a place, above which it is rare; Infinity for none that is */
  constructor(hotThreshold: number, instructions: number) {
    this.jumps = Math.max(1, Math.floor(hotThreshold / AGAIN))
    this.#most = this.jumps * instructions
  }

  /** Whether the record is too rare, or may be: where it is looked at for the first time. */
  isRare(rec: number, icount: number): boolean {
    if (this.#most === Number.POSITIVE_INFINITY) return false
    const before = this.#seen.get(rec)
    if (before !== undefined && (icount - before) >>> 0 <= this.#most) {
      this.#seen.delete(rec)
      return false
    }
    if (this.#seen.size === MOST_COUNTED) this.#seen.clear()
    this.#seen.set(rec, icount)
    return true
  }

  forget(): void {
    this.#seen.clear()
  }
}
