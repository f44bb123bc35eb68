/** A part of the jumps that make a place hot: after as many a place that may be rare is looked at again. */
const AGAIN = 5
/** So many looks, or milliseconds, are needed to tell a rate: what comes in short bursts now and then is rare. */
const LOOKS = 5
const LONG = 50
/** What was found to be rare has to come so many times as often: a rate that is near the limit, and varies, is rare for good. */
const SURELY = 2
/** Places that are rare, before all are counted anew. */
const MOST_COUNTED = 0x10000

interface Seen {
  /** Milliseconds. */
  readonly since: number
  looks: number
  readonly wasRare: boolean
}

/**
 * Which places that are hot by the number of jumps to them are too rare for a region: code that is run now and then for long gets there too,
 * and what compiling it costs would not be saved in the time that a guest runs.
 */
export class Rarity {
  /** Jumps until a place that is hot and may be rare is looked at again. */
  readonly jumps: number
  readonly #now: () => number
  /** Milliseconds for `jumps`, above which a place is rare. */
  readonly #most: number
  /** By record. */
  readonly #seen = new Map<number, Seen>()

  /**
   * @param perSecond jumps to a place in a second, below which it is rare; 0 for none that is
   * @param now milliseconds, from anywhere
   */
  constructor(hotThreshold: number, perSecond: number, now: () => number = () => performance.now()) {
    this.jumps = Math.max(1, Math.floor(hotThreshold / AGAIN))
    this.#most = (this.jumps * 1000) / perSecond
    this.#now = now
  }

  /** Whether the record is too rare, or may be: its rate is not known at the first look, and not by a short burst. */
  isRare(rec: number): boolean {
    if (this.#most === Number.POSITIVE_INFINITY) return false
    const now = this.#now()
    const seen = this.#seen.get(rec)
    const looks = seen ? ++seen.looks : 0
    if (!seen || now - seen.since > (looks * this.#most) / (seen.wasRare ? SURELY : 1)) {
      if (this.#seen.size === MOST_COUNTED) this.#seen.clear()
      this.#seen.set(rec, { since: now, looks: 0, wasRare: seen !== undefined })
      return true
    }
    if (looks < LOOKS && now - seen.since < LONG) return true
    this.#seen.delete(rec)
    return false
  }

  forget(): void {
    this.#seen.clear()
  }
}
