import { LzmaRange, PROB_HALF } from './lzma-range.ts'
import { ensure } from './unpack-error.ts'

// Where each model's probabilities begin in the one array of them (LZMA specification, "Probability models").
const STATES = 12
const POS_STATES = 16
const IS_MATCH = 0
const IS_REP = IS_MATCH + STATES * POS_STATES
const IS_REP_G0 = IS_REP + STATES
const IS_REP_G1 = IS_REP_G0 + STATES
const IS_REP_G2 = IS_REP_G1 + STATES
const IS_REP0_LONG = IS_REP_G2 + STATES
const POS_SLOT = IS_REP0_LONG + STATES * POS_STATES
const POS_SPECIAL = POS_SLOT + 4 * 64
const ALIGN = POS_SPECIAL + 128
const MATCH_LENGTH = ALIGN + 16
const LENGTH_MODELS = 2 + POS_STATES * 8 * 2 + 256
const REP_LENGTH = MATCH_LENGTH + LENGTH_MODELS
const LITERAL = REP_LENGTH + LENGTH_MODELS
const LITERAL_MODELS = 0x300
/** Within a length's models: choice, choice2, then low[16][8], mid[16][8], high[256]. */
const LENGTH_LOW = 2
const LENGTH_MID = LENGTH_LOW + POS_STATES * 8
const LENGTH_HIGH = LENGTH_MID + POS_STATES * 8

const MIN_MATCH = 2
const END_MARKER = 0xffffffff

/** The LZMA decoder, as LZMA2 drives it: chunks of known length, the output buffer being the dictionary. */
export class Lzma {
  readonly #range: LzmaRange
  readonly #out: Uint8Array
  #probs = new Uint16Array(0)
  #to: number
  #dictStart: number
  #state = 0
  #reps: [number, number, number, number] = [0, 0, 0, 0]
  #lc = 0
  #literalMask = 0
  #posMask = 0

  /** Decodes from `input` to `out`, of which bytes from `to` on are written. */
  constructor(input: Uint8Array, out: Uint8Array, to: number) {
    this.#range = new LzmaRange(input)
    this.#out = out
    this.#to = to
    this.#dictStart = to
  }

  /** Index in the output of the next byte. */
  get to(): number {
    return this.#to
  }

  resetDictionary(): void {
    this.#dictStart = this.#to
  }

  /** Takes the byte of properties (lc, lp, pb). */
  setProperties(byte: number): void {
    const lc = byte % 9
    const lp = Math.trunc(byte / 9) % 5
    const pb = Math.trunc(byte / 45)
    ensure(pb <= 4 && lc + lp <= 4, 'has LZMA properties out of range')
    this.#lc = lc
    this.#literalMask = (1 << lp) - 1
    this.#posMask = (1 << pb) - 1
    this.#probs = new Uint16Array(LITERAL + (LITERAL_MODELS << (lc + lp)))
  }

  resetState(): void {
    this.#probs.fill(PROB_HALF)
    this.#state = 0
    this.#reps = [0, 0, 0, 0]
  }

  /** Takes a chunk that is not packed. */
  copy(bytes: Uint8Array): void {
    ensure(this.#to + bytes.length <= this.#out.length, 'unpacks to more than its index says')
    this.#out.set(bytes, this.#to)
    this.#to += bytes.length
  }

  /** Takes a packed chunk, bytes [at, end) of the input, that unpacks to `length` bytes. */
  decode(at: number, end: number, length: number): void {
    const limit = this.#to + length
    ensure(limit <= this.#out.length, 'unpacks to more than its index says')
    this.#range.begin(at, end)
    while (this.#to < limit) {
      const posState = (this.#to - this.#dictStart) & this.#posMask
      if (this.#range.bit(this.#probs, IS_MATCH + this.#state * POS_STATES + posState) === 0) this.#literal()
      else this.#match(posState, limit)
    }
    this.#range.finish()
  }

  #literal(): void {
    const position = this.#to - this.#dictStart
    const previous = position > 0 ? this.#out[this.#to - 1] : 0
    const context = ((position & this.#literalMask) << this.#lc) + (previous >> (8 - this.#lc))
    const base = LITERAL + LITERAL_MODELS * context
    let symbol = 1
    if (this.#state >= 7) {
      // After a match, the byte the last distance points at takes part in the context until a bit differs from it.
      let expected = this.#out[this.#to - this.#reps[0] - 1]
      while (symbol < 0x100) {
        const wanted = (expected >> 7) & 1
        expected <<= 1
        const bit = this.#range.bit(this.#probs, base + ((1 + wanted) << 8) + symbol)
        symbol = (symbol << 1) | bit
        if (bit !== wanted) break
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#range.bit(this.#probs, base + symbol)
    this.#out[this.#to++] = symbol
    this.#state -= this.#state < 4 ? this.#state : this.#state < 10 ? 3 : 6
  }

  #match(posState: number, limit: number): void {
    const range = this.#range
    const probs = this.#probs
    const state = this.#state
    const reps = this.#reps
    let length: number
    if (range.bit(probs, IS_REP + state) === 0) {
      length = this.#length(MATCH_LENGTH, posState)
      this.#state = state < 7 ? 7 : 10
      const distance = this.#distance(length)
      ensure(distance !== END_MARKER, 'has an end marker inside a chunk')
      this.#reps = [distance, reps[0], reps[1], reps[2]]
    } else if (range.bit(probs, IS_REP_G0 + state) === 0) {
      const long = range.bit(probs, IS_REP0_LONG + state * POS_STATES + posState)
      length = long ? this.#length(REP_LENGTH, posState) : 1
      this.#state = long ? (state < 7 ? 8 : 11) : state < 7 ? 9 : 11
    } else {
      if (range.bit(probs, IS_REP_G1 + state) === 0) this.#reps = [reps[1], reps[0], reps[2], reps[3]]
      else if (range.bit(probs, IS_REP_G2 + state) === 0) this.#reps = [reps[2], reps[0], reps[1], reps[3]]
      else this.#reps = [reps[3], reps[0], reps[1], reps[2]]
      length = this.#length(REP_LENGTH, posState)
      this.#state = state < 7 ? 8 : 11
    }
    this.#copyMatch(this.#reps[0] + 1, length, limit)
  }

  #length(base: number, posState: number): number {
    const range = this.#range
    const probs = this.#probs
    if (range.bit(probs, base) === 0) return MIN_MATCH + range.tree(probs, base + LENGTH_LOW + posState * 8, 3)
    if (range.bit(probs, base + 1) === 0) return MIN_MATCH + 8 + range.tree(probs, base + LENGTH_MID + posState * 8, 3)
    return MIN_MATCH + 16 + range.tree(probs, base + LENGTH_HIGH, 8)
  }

  /** The distance, less one, that goes with a match of this length. */
  #distance(length: number): number {
    const range = this.#range
    const slot = range.tree(this.#probs, POS_SLOT + Math.min(length - MIN_MATCH, 3) * 64, 6)
    if (slot < 4) return slot
    const bits = (slot >> 1) - 1
    const top = ((2 | (slot & 1)) << bits) >>> 0
    if (slot < 14) return top + range.reverseTree(this.#probs, POS_SPECIAL + top - slot, bits)
    return top + range.direct(bits - 4) * 16 + range.reverseTree(this.#probs, ALIGN, 4)
  }

  #copyMatch(distance: number, length: number, limit: number): void {
    const out = this.#out
    let to = this.#to
    ensure(distance <= to - this.#dictStart, 'has a match before its start')
    ensure(to + length <= limit, 'has a match beyond its chunk')
    for (let from = to - distance, end = to + length; to < end; ) out[to++] = out[from++]
    this.#to = to
  }
}
