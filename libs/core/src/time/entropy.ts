import { getRandomValues } from 'node:crypto'

/** Chance, where it reaches guests: MAC addresses, UUIDs, the seed of a device, a tie that is broken. */
export interface Entropy {
  /** Overwrites `bytes`. */
  fill(bytes: Uint8Array<ArrayBuffer>): void
}

/** The host's. */
export const hostEntropy: Entropy = { fill: (bytes) => void getRandomValues(bytes) }

const GOLDEN = 0x9e37_79b9_7f4a_7c15n
const U64 = 0xffff_ffff_ffff_ffffn

/** The same bytes for the same seed, in the same order of calls (splitmix64). Not secret. */
export class SeededEntropy implements Entropy {
  #state: bigint

  /** @param seed the low 64 bits count */
  constructor(seed: bigint) {
    this.#state = seed & U64
  }

  fill(bytes: Uint8Array<ArrayBuffer>): void {
    for (let at = 0; at < bytes.length; at += 8) {
      let word = this.#next()
      for (let i = at; i < Math.min(at + 8, bytes.length); i++, word >>= 8n) bytes[i] = Number(word & 0xffn)
    }
  }

  #next(): bigint {
    this.#state = (this.#state + GOLDEN) & U64
    let mixed = this.#state
    mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & U64
    mixed = ((mixed ^ (mixed >> 27n)) * 0x94d0_49bb_1331_11ebn) & U64
    return mixed ^ (mixed >> 31n)
  }
}
