/** fld1, fldl2t, fldl2e, fldpi, fldlg2, fldln2, fldz: rounded by RC, without flags. */

import { CONSTANT_BITS, LN2, LN10, PI } from './fixed-point.ts'
import type { Packed, Unpacked } from './format.ts'
import { bitLength, F80, packExact, zero } from './format.ts'
import { roundPack } from './round.ts'
import type { X87Run, X87Step } from './x87-step.ts'
import { pushBlocked } from './x87-transfer.ts'

const ONE: bigint = 1n << BigInt(CONSTANT_BITS)

function irrational(fixed: bigint): X87Run {
  const width = bitLength(fixed)
  const exp = width - 1 - CONSTANT_BITS
  // Enough for rounding; the lowest bit is sticky.
  const sig = (fixed >> BigInt(width - 128)) | 1n
  return pushing((x) => {
    const p = roundPack(x.env, F80, 64, 0, exp, sig, 128)
    x.env.flags = 0
    return p
  })
}

function pushing(make: (x: X87Step) => Packed): X87Run {
  return (x) => {
    if (!pushBlocked(x)) x.push(make(x))
  }
}

const exact = (u: Unpacked): X87Run => pushing(() => packExact(F80, u))

export const fldz: X87Run = exact(zero(0))
export const fld1: X87Run = exact({ ...zero(0), kind: 1, sig: 1n << 63n })
export const fldpi: X87Run = irrational(PI)
export const fldl2t: X87Run = irrational((LN10 * ONE) / LN2)
export const fldl2e: X87Run = irrational((ONE * ONE) / LN2)
export const fldlg2: X87Run = irrational((LN2 * ONE) / LN10)
export const fldln2: X87Run = irrational(LN2)
