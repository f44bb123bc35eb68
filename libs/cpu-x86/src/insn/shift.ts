/**
 * Shifts (Intel SDM vol. 2: SAL/SAR/SHL/SHR, SHLD, SHRD). The count is masked to 5 bits, 6 for 64-bit operands; a count of
 * zero leaves all flags as they were. Immediate counts of zero are told apart by `variant`, so only counts
 * in CL need the old flags.
 */

import type { Builder } from '../builder/builder.ts'
import { topBit } from '../builder/flag-bits.ts'
import type { Decoded } from '../decode/decoded.ts'
import type { I64 } from '../wasm/expr.ts'
import { i64, select } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import { countOf, countVariant } from './shift-count.ts'

interface Shifted {
  readonly r: I64
  readonly cf: I64
  readonly of: I64
}

/** Result and flags for a count of 1 to 31 (63). */
type Shift = (b: Builder, x: I64, count: I64) => Shifted

const ONE = i64.const(1)
const bit0 = (x: I64): I64 => i64.and(x, ONE)
const minusOne = (count: I64): I64 => i64.sub(count, ONE)

const shl: Shift = (b, x, count) => {
  const n = 8 * b.size
  const wide = b.let(i64.shl(x, count))
  const r = b.let(b.trunc(wide))
  const out = n === 64 ? i64.shr_u(x, i64.sub(i64.const(64), count)) : i64.shr_u(wide, i64.const(n))
  const cf = b.let(bit0(out))
  return { r, cf, of: i64.xor(topBit(r, b.size), cf) }
}

const shr: Shift = (b, x, count) => {
  const r = b.let(i64.shr_u(x, count))
  const cf = b.let(bit0(i64.shr_u(x, minusOne(count))))
  return { r, cf, of: topBit(x, b.size) }
}

const sar: Shift = (b, x, count) => {
  const wide = b.let(b.signed(x))
  const r = b.let(b.trunc(i64.shr_s(wide, count)))
  const cf = b.let(bit0(i64.shr_s(wide, minusOne(count))))
  return { r, cf, of: i64.const(0) }
}

function shift(operation: Shift): Definition {
  return (b) => {
    const destination = b.open(b.op(0), 'rw')
    const count = countOf(b, b.op(1))
    const x = b.let(b.get(destination))
    if (count.isZero) {
      b.put(destination, x)
      return
    }
    const { r, cf, of } = operation(b, x, count.value)
    b.flags({ kind: 'result', r, cf, of: b.let(of), af: i64.const(0) }, b.size, count.when)
    b.put(destination, r)
  }
}

/** x:y as one number of twice the size, shifted left or right; the half at x is kept. */
function double(left: boolean): Definition {
  return (b) => {
    const destination = b.open(b.op(0), 'rw')
    const source = b.open(b.op(1), 'r')
    const count = countOf(b, b.op(2))
    const x = b.let(b.get(destination))
    if (count.isZero) {
      b.put(destination, x)
      return
    }
    const y = b.let(b.get(source))
    const { r, cf } = (left ? shld : shrd)(b, x, y, count.value)
    const of = b.let(topBit(i64.xor(x, r), b.size))
    b.flags({ kind: 'result', r, cf, of, af: i64.const(0) }, b.size, count.when)
    b.put(destination, r)
  }
}

type DoubleShift = (b: Builder, x: I64, y: I64, count: I64) => { readonly r: I64; readonly cf: I64 }

const shld: DoubleShift = (b, x, y, count) => {
  const n = 8 * b.size
  if (n === 64) {
    const rest = b.let(i64.sub(i64.const(64), count))
    const r = b.let(select(i64.eqz(count), x, i64.or(i64.shl(x, count), i64.shr_u(y, rest))))
    return { r, cf: b.let(bit0(i64.shr_u(x, rest))) }
  }
  // 16 bits: counts above 16 go on into a second copy of the source.
  const pair = i64.or(i64.shl(x, i64.const(n)), y)
  const whole = b.let(n === 32 ? pair : i64.or(i64.shl(pair, i64.const(16)), y))
  const width = n === 32 ? 64 : 48
  const r = b.let(b.trunc(i64.shr_u(i64.shl(whole, count), i64.const(width - n))))
  return { r, cf: b.let(bit0(i64.shr_u(whole, i64.sub(i64.const(width), count)))) }
}

const shrd: DoubleShift = (b, x, y, count) => {
  const n = 8 * b.size
  const cf = (whole: I64): I64 => b.let(bit0(i64.shr_u(whole, minusOne(count))))
  if (n === 64) {
    const rest = i64.sub(i64.const(64), count)
    const r = b.let(select(i64.eqz(count), x, i64.or(i64.shr_u(x, count), i64.shl(y, rest))))
    return { r, cf: cf(x) }
  }
  const pair = i64.or(x, i64.shl(y, i64.const(n)))
  const whole = b.let(n === 32 ? pair : i64.or(pair, i64.shl(y, i64.const(32))))
  return { r: b.let(b.trunc(i64.shr_u(whole, count))), cf: cf(whole) }
}

const flags = { writes: 'oszapc', undefines: 'oa' } as const

function shiftRows(name: string, ext: number, operation: Shift): Row[] {
  const row = { name, map: 0, ext, ...flags, def: shift(operation) } as const
  const immediate = { ...row, variant: (insn: Decoded) => countVariant(insn, 1) }
  return [
    { ...immediate, code: 0xc0, operands: 'Eb Iub' },
    { ...immediate, code: 0xc1, operands: 'Ev Iub' },
    { ...row, code: 0xd0, operands: 'Eb 1', undefines: 'a' },
    { ...row, code: 0xd1, operands: 'Ev 1', undefines: 'a' },
    { ...row, code: 0xd2, operands: 'Eb CL', mayKeep: true },
    { ...row, code: 0xd3, operands: 'Ev CL', mayKeep: true },
  ]
}

function doubleRows(name: string, code: number, left: boolean): Row[] {
  const row = { name, map: 1, ...flags, def: double(left) } as const
  return [
    { ...row, code, operands: 'Ev Gv Iub', variant: (insn) => countVariant(insn, 2) },
    { ...row, code: code + 1, operands: 'Ev Gv CL', mayKeep: true },
  ]
}

export const rows: readonly Row[] = [
  ...shiftRows('shl', 4, shl),
  ...shiftRows('shr', 5, shr),
  ...shiftRows('shl', 6, shl),
  ...shiftRows('sar', 7, sar),
  ...doubleRows('shld', 0xa4, true),
  ...doubleRows('shrd', 0xac, false),
]
