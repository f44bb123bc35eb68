/** xorshift64* */
export class Random {
  #state: bigint

  constructor(seed: number) {
    this.#state = BigInt(seed) * 0x9e3779b97f4a7c15n + 1n
  }

  u64(): bigint {
    let x = BigInt.asUintN(64, this.#state)
    x ^= x >> 12n
    x ^= BigInt.asUintN(64, x << 25n)
    x ^= x >> 27n
    this.#state = x
    return BigInt.asUintN(64, x * 0x2545f4914f6cdd1dn)
  }

  below(n: number): number {
    return Number((this.u64() >> 20n) % BigInt(n))
  }

  /** The first of the list more often than not. */
  mostly<T>(usual: T, ...odd: T[]): T {
    return this.below(8) > 0 ? usual : odd[this.below(odd.length)]
  }

  one<T>(...list: T[]): T {
    return list[this.below(list.length)]
  }
}
