/**
 * Shifts (Intel SDM vol. 2: SAL/SAR/SHL/SHR, SHLD, SHRD). The count is masked to 5 bits, 6 for 64-bit operands; a count of
 * zero leaves all flags as they were. Immediate counts of zero are told apart by `variant`, so only counts
 * in CL need the old flags. Undefined flags are as silicon (Zen 4) leaves them: AF set, OF by the formula for a count of 1.
 */

import type { Builder } from '../builder/builder.ts'
import { topBit } from '../builder/flag-bits.ts'
import { bit0, minusOne, ONE, type ShiftKind, secondBit, shiftedBits } from '../builder/shift-flags.ts'
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

function shift(kind: ShiftKind): Definition {
  return (b) => {
    const destination = b.open(b.op(0), 'rw')
    const count = countOf(b, b.op(1))
    const x = b.let(b.get(destination))
    if (count.isZero) {
      b.put(destination, x)
      return
    }
    const change = { kind, x, count: count.value } as const
    const r = b.let(b.trunc(shiftedBits(change, b.size)))
    b.flags(change, b.size, count.when)
    b.put(destination, r)
  }
}

interface Halves {
  readonly x: I64
  readonly y: I64
}

/** x and y as one number of twice the size, shifted; the half at x is kept. Flags come from x alone. */
function double(shifted: (b: Builder, halves: Halves, count: I64) => Shifted): Definition {
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
    const { r, cf, of } = shifted(b, { x, y }, count.value)
    b.flags({ kind: 'result', r, cf, of, af: ONE }, b.size, count.when)
    b.put(destination, r)
  }
}

/** 16-bit operands: silicon takes counts above 16 from a second copy of the source, and x has left by then. */
const shld = double((b, { x, y }, count) => {
  const n = 8 * b.size
  const wide = b.let(i64.shl(x, count))
  const back = i64.sub(i64.const(64), count)
  if (n === 64) {
    const r = b.let(select(i64.eqz(count), x, i64.or(wide, i64.shr_u(y, back))))
    const cf = bit0(i64.shr_u(x, back))
    return { r, cf, of: i64.xor(topBit(wide, 8), cf) }
  }
  const filled = n === 32 ? i64.shl(y, i64.const(32)) : i64.mul(y, i64.const(0x1000100000000n))
  const r = b.let(b.trunc(i64.or(wide, i64.shr_u(filled, back))))
  const cf = bit0(i64.shr_u(wide, i64.const(n)))
  return { r, cf, of: i64.xor(topBit(wide, b.size), cf) }
})

const shrd = double((b, { x, y }, count) => {
  const n = 8 * b.size
  const cf = bit0(i64.shr_u(x, minusOne(count)))
  if (n === 64) {
    const filled = i64.shl(y, i64.sub(i64.const(64), count))
    const r = b.let(select(i64.eqz(count), x, i64.or(i64.shr_u(x, count), filled)))
    return { r, cf, of: i64.xor(topBit(r, 8), secondBit(r, 8)) }
  }
  const above = n === 32 ? i64.shl(y, i64.const(32)) : i64.mul(y, i64.const(0x100010000))
  const r = b.let(b.trunc(i64.shr_u(i64.or(x, above), count)))
  return { r, cf, of: i64.xor(topBit(r, b.size), secondBit(r, b.size)) }
})

const flags = { writes: 'oszapc', undefines: 'oa' } as const

function shiftRows(name: string, ext: number, kind: ShiftKind): Row[] {
  const row = { name, map: 0, ext, ...flags, def: shift(kind) } as const
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

function doubleRows(name: string, code: number, def: Definition): Row[] {
  const row = { name, map: 1, ...flags, def } as const
  return [
    { ...row, code, operands: 'Ev Gv Iub', variant: (insn) => countVariant(insn, 2) },
    { ...row, code: code + 1, operands: 'Ev Gv CL', mayKeep: true },
  ]
}

export const rows: readonly Row[] = [
  ...shiftRows('shl', 4, 'shl'),
  ...shiftRows('shr', 5, 'shr'),
  ...shiftRows('shl', 6, 'shl'),
  ...shiftRows('sar', 7, 'sar'),
  ...doubleRows('shld', 0xa4, shld),
  ...doubleRows('shrd', 0xac, shrd),
]
