import { Random as Numbers } from '../insn/random.ts'

/** Random states: numbers, and choices of which one is the usual. */
export class Random extends Numbers {
  constructor(seed: number) {
    super(BigInt(seed) * 0x9e3779b97f4a7c15n + 1n)
  }

  /** The first of the list more often than not. */
  mostly<T>(usual: T, ...odd: T[]): T {
    return this.below(8) > 0 ? usual : this.pick(odd)
  }

  one<T>(...list: T[]): T {
    return this.pick(list)
  }
}
