/** Deterministic random numbers (xorshift64*) and the operand values that instructions are tried with. */
export class Random {
  #state: bigint

  constructor(seed: bigint) {
    this.#state = seed
  }

  bits64(): bigint {
    let x = this.#state
    x ^= x >> 12n
    x ^= BigInt.asUintN(64, x << 25n)
    x ^= x >> 27n
    this.#state = x
    return BigInt.asUintN(64, x * 0x2545f4914f6cdd1dn)
  }

  below(n: number): number {
    return Number((this.bits64() >> 16n) % BigInt(n))
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]
  }

  /** A value whose low `size` bytes are likely to be at a boundary; what is above them is noise. */
  operand(size: number): bigint {
    const bits = BigInt(8 * Math.min(size, 8))
    const noise = this.bits64()
    return BigInt.asUintN(64, ((noise >> bits) << bits) | BigInt.asUintN(Number(bits), this.#interesting(bits)))
  }

  #interesting(bits: bigint): bigint {
    const top = 1n << (bits - 1n)
    switch (this.below(8)) {
      case 0:
        return this.pick([0n, 1n, 2n, -1n, -2n, top, top - 1n, top + 1n])
      case 1:
        return BigInt(this.below(70))
      case 2:
        return -BigInt(this.below(70))
      case 3:
        return 1n << BigInt(this.below(Number(bits)))
      case 4:
        return BigInt.asIntN(8, this.bits64())
      default:
        return this.bits64() >> BigInt(this.below(Number(bits)))
    }
  }
}
