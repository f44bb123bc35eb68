import type { FloatLanes } from '../builder/float-tests.ts'

/** Lanes that are plain (builder/float-tests.ts), as bits: the low double, the other, the low single, the others. */
export const PLAIN: Readonly<Record<FloatLanes, number>> = { sd: 1, pd: 3, ss: 4, ps: 12 }
export const ALL_PLAIN = 15
/** What stays of them where the low 8 or 4 bytes are written. */
export const ABOVE_DOUBLE = 2
export const ABOVE_SINGLE = 10

/** What is known of a register: `or`, and those bits of `and` that the register `from` had where the block begins. */
export interface Plain {
  readonly from: number
  readonly and: number
  readonly or: number
}

export const NOTHING: Plain = { from: -1, and: 0, or: 0 }
export const known = (bits: number): Plain => ({ from: -1, and: 0, or: bits })

export function only({ from, and, or }: Plain, bits: number): Plain {
  return { from, and: and & bits, or: or & bits }
}

export function also(plain: Plain, bits: number): Plain {
  return { ...plain, or: plain.or | bits }
}

/** What holds on both of two ways. */
export function meet(a: Plain, b: Plain): Plain {
  if (a.from === b.from) {
    const [p, q] = [a.and | a.or, b.and | b.or]
    const or = a.or & b.or
    return { from: a.from, and: p & q & ~or, or }
  }
  return known(a.or & b.or)
}

export const resolve = ({ from, and, or }: Plain, at: readonly number[]): number =>
  from < 0 ? or : (at[from] & and) | or
