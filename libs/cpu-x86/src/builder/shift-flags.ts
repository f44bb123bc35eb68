/** The flags of shifts (Intel SDM vol. 2: SAL/SAR/SHL/SHR). Mostly nobody asks for them. */
import type { I64 } from '../wasm/expr.ts'
import { i64 } from '../wasm/ops.ts'
import type { FlagChange } from './builder.ts'
import { signExtend, topBit, truncated } from './flag-bits.ts'
import type { Bind } from './wide-product.ts'

/** A value of `size` bytes, zero-extended, that is shifted by 1 to 31 bits, or 63. */
export type ShiftChange = Extract<FlagChange, { kind: 'shl' | 'shr' | 'sar' }>
export type ShiftKind = ShiftChange['kind']

type ResultChange = Extract<FlagChange, { kind: 'result' }>

const SHIFTS: ReadonlySet<string> = new Set<ShiftKind>(['shl', 'shr', 'sar'])
export const ONE: I64 = i64.const(1)
export const bit0 = (x: I64): I64 => i64.and(x, ONE)
export const minusOne = (count: I64): I64 => i64.sub(count, ONE)

export const isShift = (change: FlagChange): change is ShiftChange => SHIFTS.has(change.kind)

/** The result, as far as its bits above `size` bytes mean nothing. */
export function shiftedBits({ kind, x, count }: ShiftChange, size: number): I64 {
  switch (kind) {
    case 'shl':
      return i64.shl(x, count)
    case 'shr':
      return i64.shr_u(x, count)
    case 'sar':
      return i64.shr_s(signExtend(x, size), count)
  }
}

/** The bit below the top bit. */
export const secondBit = (r: I64, size: number): I64 => bit0(i64.shr_u(r, i64.const(8 * size - 2)))

/** Undefined flags are as silicon (Zen 4) leaves them: AF set, OF by the formula for a count of 1. */
export function shiftResult(change: ShiftChange, size: number, bind: Bind): ResultChange {
  const { kind, x, count } = change
  const bits = 8 * size
  const wide = bind(shiftedBits(change, size))
  const r = size === 8 ? wide : bind(truncated(wide, size))
  const af = ONE
  if (kind === 'shr') return { kind: 'result', r, cf: bit0(i64.shr_u(x, minusOne(count))), of: secondBit(r, size), af }
  if (kind === 'sar')
    return { kind: 'result', r, cf: bit0(i64.shr_s(signExtend(x, size), minusOne(count))), of: i64.const(0), af }
  const out = size === 8 ? i64.shr_u(x, i64.sub(i64.const(64), count)) : i64.shr_u(wide, i64.const(bits))
  const cf = bind(bit0(out))
  return { kind: 'result', r, cf, of: i64.xor(topBit(r, size), cf), af }
}
