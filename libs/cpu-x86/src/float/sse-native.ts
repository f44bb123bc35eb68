/**
 * A quicker way to results that need no special care: round to nearest, operands zero or normal, result zero or well
 * inside the range. The host's own arithmetic then has the right result, and error-free transformations tell whether
 * it is exact. Every kernel answers NaN where the soft float must decide.
 */

/** Whether the last kernel that did not answer NaN rounded. */
export let inexact: boolean = false

/** An operation on two numbers of one format; square root ignores the first. */
export type Kernel = (a: number, b: number) => number

export interface Kernels {
  readonly add: Kernel
  readonly subtract: Kernel
  readonly multiply: Kernel
  readonly divide: Kernel
  readonly root: Kernel
}

/** Within these bounds neither a result nor its rounding error leaves the normal range. */
const LOW = 2 ** -900
const HIGH = 2 ** 900
const safe = (x: number): boolean => {
  const magnitude = Math.abs(x)
  return (magnitude > LOW && magnitude < HIGH) || x === 0
}

/** 2^27 + 1 splits a significand of 53 bits in two halves. */
const SPLITTER = 134217729

/** The error of `p`, the rounded product of a and b (Dekker). */
function productError(a: number, b: number, p: number): number {
  const ca = SPLITTER * a
  const ah = ca - (ca - a)
  const al = a - ah
  const cb = SPLITTER * b
  const bh = cb - (cb - b)
  const bl = b - bh
  return ah * bh - p + ah * bl + al * bh + al * bl
}

/** The error of `s`, the rounded sum of a and b (Knuth). */
function sumError(a: number, b: number, s: number): number {
  const part = s - a
  return a - (s - part) + (b - part)
}

function addDouble(a: number, b: number): number {
  const s = a + b
  if (!(safe(a) && safe(b) && safe(s))) return Number.NaN
  inexact = sumError(a, b, s) !== 0
  return s
}

export const DOUBLE_KERNELS: Kernels = {
  add: addDouble,
  subtract: (a, b) => addDouble(a, -b),
  multiply(a, b) {
    const p = a * b
    if (!(safe(a) && safe(b) && safe(p)) || (p === 0 && a !== 0 && b !== 0)) return Number.NaN
    inexact = p !== 0 && productError(a, b, p) !== 0
    return p
  },
  divide(a, b) {
    const q = a / b
    if (!(safe(a) && safe(b) && safe(q)) || b === 0 || (q === 0 && a !== 0)) return Number.NaN
    const p = q * b
    inexact = p !== a || (a !== 0 && productError(q, b, p) !== 0)
    return q
  },
  root(_, b) {
    const r = Math.sqrt(b)
    if (!(safe(b) && safe(r))) return Number.NaN
    const p = r * r
    inexact = p !== b || (b !== 0 && productError(r, r, p) !== 0)
    return r
  },
}

const LOW32 = 2 ** -100
const HIGH32 = 2 ** 100
const safe32 = (x: number): boolean => {
  const magnitude = Math.abs(x)
  return (magnitude > LOW32 && magnitude < HIGH32) || x === 0
}

/** Rounding through binary64 gives the right binary32 for these five operations: 53 >= 2 * 24 + 2. */
function addSingle(a: number, b: number): number {
  const s = a + b
  const f = Math.fround(s)
  if (!(safe32(a) && safe32(b) && safe32(f))) return Number.NaN
  inexact = f !== s || sumError(a, b, s) !== 0
  return f
}

export const SINGLE_KERNELS: Kernels = {
  add: addSingle,
  subtract: (a, b) => addSingle(a, -b),
  multiply(a, b) {
    const p = a * b
    const f = Math.fround(p)
    if (!(safe32(a) && safe32(b) && safe32(f)) || (f === 0 && p !== 0)) return Number.NaN
    inexact = f !== p
    return f
  },
  divide(a, b) {
    const q = a / b
    const f = Math.fround(q)
    if (!(safe32(a) && safe32(b) && safe32(f)) || b === 0 || (f === 0 && a !== 0)) return Number.NaN
    inexact = f * b !== a
    return f
  },
  root(_, b) {
    const f = Math.fround(Math.sqrt(b))
    if (!(safe32(b) && safe32(f))) return Number.NaN
    inexact = f * f !== b
    return f
  },
}
