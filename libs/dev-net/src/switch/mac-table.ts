import { word } from './ethernet.ts'

/** Seconds after which an address that has sent nothing is forgotten: what IEEE 802.1D recommends. */
export const AGEING_SECONDS = 300
const WAYS = 8
const NOBODY = -1

/**
 * Behind which port an address is, in each VLAN. It never grows: an address has one of eight places, and a new one takes the place of one
 * that is too old, else of one of the same port, else of that not heard for longest. So a port that has more addresses
 * than fit replaces its own.
 */
export class MacTable {
  readonly #sets: number
  /** First two bytes of the address, with the VLAN above them; then the other four. */
  readonly #high: Int32Array
  readonly #low: Int32Array
  readonly #port: Int32Array
  readonly #seen: Int32Array

  /** @param sets a power of two: there is room for eight times as many addresses */
  constructor(sets = 4096) {
    this.#sets = sets
    this.#high = new Int32Array(sets * WAYS)
    this.#low = new Int32Array(sets * WAYS)
    this.#port = new Int32Array(sets * WAYS).fill(NOBODY)
    this.#seen = new Int32Array(sets * WAYS)
  }

  /**
   * The address at `at` has sent from `port`.
   * @param port a number from 0
   * @param second the time now
   * @returns whether it was not known to be there
   */
  learn(bytes: Uint8Array, at: number, vlan: number, port: number, second: number): boolean {
    const high = highOf(bytes, at, vlan)
    const low = lowOf(bytes, at)
    const begin = this.#begin(high, low)
    let place = this.#place(begin, high, low)
    if (place === NOBODY) {
      place = this.#victim(begin, port, second)
      this.#high[place] = high
      this.#low[place] = low
    }
    const isNew = this.#port[place] !== port
    this.#port[place] = port
    this.#seen[place] = second
    return isNew
  }

  /** The port behind which the address at `at` is; -1 if that is not known. */
  find(bytes: Uint8Array, at: number, vlan: number, second: number): number {
    const high = highOf(bytes, at, vlan)
    const low = lowOf(bytes, at)
    const place = this.#place(this.#begin(high, low), high, low)
    if (place === NOBODY || this.#isOld(place, second)) return NOBODY
    return this.#port[place] as number
  }

  /** Nothing is behind the port any more. */
  forget(port: number): void {
    for (let place = 0; place < this.#port.length; place++) if (this.#port[place] === port) this.#port[place] = NOBODY
  }

  /** How many addresses it knows. */
  size(second: number): number {
    let count = 0
    for (let place = 0; place < this.#port.length; place++) if (!this.#isFree(place, second)) count++
    return count
  }

  #begin(high: number, low: number): number {
    const mixed = Math.imul(high ^ Math.imul(low, 0x9e37_79b1), 0x85eb_ca6b)
    return ((mixed ^ (mixed >>> 15)) & (this.#sets - 1)) * WAYS
  }

  #place(begin: number, high: number, low: number): number {
    for (let place = begin; place < begin + WAYS; place++) {
      if (this.#low[place] === low && this.#high[place] === high && this.#port[place] !== NOBODY) return place
    }
    return NOBODY
  }

  #victim(begin: number, port: number, second: number): number {
    let own = NOBODY
    let oldest = begin
    for (let place = begin; place < begin + WAYS; place++) {
      if (this.#isFree(place, second)) return place
      if (this.#port[place] === port && (own === NOBODY || this.#isBefore(place, own))) own = place
      if (this.#isBefore(place, oldest)) oldest = place
    }
    return own === NOBODY ? oldest : own
  }

  #isBefore(a: number, b: number): boolean {
    return (this.#seen[a] as number) < (this.#seen[b] as number)
  }

  #isOld(place: number, second: number): boolean {
    return second - (this.#seen[place] as number) > AGEING_SECONDS
  }

  #isFree(place: number, second: number): boolean {
    return this.#port[place] === NOBODY || this.#isOld(place, second)
  }
}

function highOf(bytes: Uint8Array, at: number, vlan: number): number {
  return word(bytes, at) | (vlan << 16)
}

function lowOf(bytes: Uint8Array, at: number): number {
  return (word(bytes, at + 2) << 16) | word(bytes, at + 4)
}
