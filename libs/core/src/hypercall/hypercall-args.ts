/** Arguments of a hypercall: RDI, RSI, RDX, R10, R8, R9. */
export const HYPERCALL_ARGS = 6

/**
 * The arguments of the call in progress. One object per worker, refilled for each call. A handler that may be entered
 * again (AbsentFrame, {@link CONTINUE}) moves them on with {@link set} as it makes progress; whoever called dispatch stores
 * them back into the registers on the exits that say so.
 */
export class HypercallArgs {
  /** The same six arguments, as u64 and as pairs of u32, low half first: fill either. */
  readonly wide: BigUint64Array = new BigUint64Array(HYPERCALL_ARGS)
  readonly halves: Uint32Array = new Uint32Array(this.wide.buffer)

  u64(index: number): bigint {
    return this.wide[index] as bigint
  }

  /** Low 32 bits, unsigned: what Xen sees of an `unsigned int` argument. */
  u32(index: number): number {
    return this.halves[index * 2] as number
  }

  /** Low 32 bits, signed. */
  s32(index: number): number {
    return (this.halves[index * 2] as number) | 0
  }

  /** The whole value as a number, or Infinity if it is past 2^53: so that it fails every `value < limit` check. */
  number(index: number): number {
    const hi = this.halves[index * 2 + 1] as number
    return hi < 0x20_0000 ? hi * 0x1_0000_0000 + (this.halves[index * 2] as number) : Number.POSITIVE_INFINITY
  }

  set(index: number, value: bigint | number): void {
    this.wide[index] = BigInt.asUintN(64, BigInt(value))
  }

  /** For callers in TypeScript: missing arguments are 0. */
  fill(values: readonly (bigint | number)[]): this {
    for (let i = 0; i < HYPERCALL_ARGS; i++) this.set(i, values[i] ?? 0)
    return this
  }
}
