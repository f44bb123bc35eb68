/** BMI1 and BMI2 in general registers (Intel SDM vol. 2: ANDN, BEXTR, BLSI, BLSMSK, BLSR, BZHI, MULX, PDEP, PEXT, RORX, SARX, SHLX, SHRX). */
import type { Builder } from '../builder/builder.ts'
import { AF } from '../builder/flag-bits.ts'
import { multiplyHighUnsigned } from '../builder/wide-product.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i32, i64, select } from '../wasm/ops.ts'
import { readSource } from './operand.ts'
import { RDX } from './register-numbers.ts'
import type { Definition, Row } from './row.ts'

const ZERO = i64.const(0)
const ONE = i64.const(1)
const widen = (truth: I32): I64 => i64.extend_i32_u(truth)

/** ZF and SF of the result, CF as given, OF 0. Silicon (Zen 4): PF of the result, AF 0. */
function leaveFlags(b: Builder, r: I64, carry: I64): void {
  b.flags({ kind: 'result', r, cf: carry, of: ZERO, af: ZERO })
}

function andn(b: Builder): void {
  const y = readSource(b, b.op(2))
  const x = b.let(b.get(b.open(b.op(1), 'r')))
  const r = b.let(i64.and(i64.xor(x, b.trunc(i64.const(-1))), y))
  b.flags({ kind: 'logic', r })
  b.put(b.open(b.op(0), 'w'), r)
}

/** blsi, blsmsk, blsr: of x and x - 1. */
const lowest =
  (result: (x: I64, less: I64) => I64, carry: (x: I64) => I32): Definition =>
  (b) => {
    const x = readSource(b, b.op(1))
    const less = b.let(i64.sub(x, ONE))
    const r = b.let(b.trunc(result(x, less)))
    leaveFlags(b, r, widen(carry(x)))
    b.put(b.open(b.op(0), 'w'), r)
  }

const isZero = (x: I64): I32 => i64.eqz(x)
const isNotZero = (x: I64): I32 => i64.ne(x, ZERO)

/** The low `count` bits of x (count is bound): all of them from 64 on. */
const lowBits = (x: I64, count: I64): I64 => {
  const mask = i64.sub(i64.shl(ONE, count), ONE)
  return select(i64.lt_u(count, i64.const(64)), i64.and(x, mask), x)
}

function bextr(b: Builder): void {
  const x = readSource(b, b.op(1))
  const control = b.let(b.get(b.open(b.op(2), 'r')))
  const start = b.let(i64.and(control, i64.const(0xff)))
  const count = b.let(i64.and(i64.shr_u(control, i64.const(8)), i64.const(0xff)))
  const shifted = b.let(select(i64.lt_u(start, i64.const(64)), i64.shr_u(x, start), ZERO))
  const r = b.let(lowBits(shifted, count))
  // Silicon (Zen 4): PF of the result, AF 1, SF 0.
  const even = i32.eqz(i32.and(i32.popcnt(i32.wrap(i64.and(r, i64.const(0xff)))), i32.const(1)))
  const image = i64.or(i64.shl(widen(i64.eqz(r)), i64.const(6)), i64.shl(widen(even), i64.const(2)))
  b.flags({ kind: 'bits', rflags: i64.or(image, i64.const(AF)) })
  b.put(b.open(b.op(0), 'w'), r)
}

function bzhi(b: Builder): void {
  const x = readSource(b, b.op(1))
  const index = b.let(i64.and(b.get(b.open(b.op(2), 'r')), i64.const(0xff)))
  const r = b.let(lowBits(x, index))
  leaveFlags(b, r, widen(i64.gt_u(index, i64.const(8 * b.size - 1))))
  b.put(b.open(b.op(0), 'w'), r)
}

/** Where both destinations are one register, it gets the upper half. */
function mulx(b: Builder): void {
  const y = readSource(b, b.op(2))
  const x = b.let(b.get(b.gpr(RDX, b.size)))
  const low = b.let(i64.mul(x, y))
  const high = b.size === 8 ? multiplyHighUnsigned((v) => b.let(v), x, y) : b.let(i64.shr_u(low, i64.const(32)))
  b.put(b.open(b.op(1), 'w'), low)
  b.put(b.open(b.op(0), 'w'), high)
}

/** Goes through the ones of the mask from the lowest on: `step(one)` with that bit alone. */
function eachOne(b: Builder, mask: I64, step: (one: I64) => void): void {
  const left = b.variable('i64')
  b.set(left, mask)
  b.if(i64.ne(left, ZERO), () =>
    b.loopWhile(() => {
      step(b.let(i64.and(left, i64.sub(ZERO, left))))
      b.set(left, i64.and(left, i64.sub(left, ONE)))
      return i64.ne(left, ZERO)
    }),
  )
}

/** Bits of x from the lowest on to the places of the mask's ones. */
function pdep(b: Builder): void {
  const mask = readSource(b, b.op(2))
  const r = b.variable('i64')
  const x = b.variable('i64')
  b.set(x, b.get(b.open(b.op(1), 'r')))
  eachOne(b, mask, (one) => {
    b.set(r, i64.or(r, select(i32.wrap(i64.and(x, ONE)), one, ZERO)))
    b.set(x, i64.shr_u(x, ONE))
  })
  b.put(b.open(b.op(0), 'w'), r)
}

/** Bits of x at the places of the mask's ones, from the lowest on. */
function pext(b: Builder): void {
  const mask = readSource(b, b.op(2))
  const x = b.let(b.get(b.open(b.op(1), 'r')))
  const r = b.variable('i64')
  const place = b.variable('i64')
  b.set(place, ONE)
  eachOne(b, mask, (one) => {
    b.set(r, i64.or(r, select(i64.eqz(i64.and(x, one)), ZERO, place)))
    b.set(place, i64.shl(place, ONE))
  })
  b.put(b.open(b.op(0), 'w'), r)
}

function rorx(b: Builder): void {
  const x = readSource(b, b.op(1))
  const count = b.get(b.open(b.op(2), 'r'))
  const narrow = (): I64 => widen(i32.rotr(i32.wrap(x), i32.wrap(count)))
  b.put(b.open(b.op(0), 'w'), b.size === 8 ? i64.rotr(x, count) : narrow())
}

/** sarx, shlx, shrx: flags stay. */
const shift =
  (op: (x: I64, count: I64) => I64, signed: boolean = false): Definition =>
  (b) => {
    const value = readSource(b, b.op(1))
    const x = signed ? b.signed(value) : value
    const count = i64.and(b.get(b.open(b.op(2), 'r')), i64.const(8 * b.size - 1))
    b.put(b.open(b.op(0), 'w'), b.trunc(op(x, count)))
  }

const BMI1 = { map: 2, vex: true, prefix: 'np', feature: 'bmi1', writes: 'oszc', undefines: 'ap' } as const
const BMI2 = { map: 2, vex: true, feature: 'bmi2' } as const

export const rows: readonly Row[] = [
  { ...BMI1, name: 'andn', code: 0xf2, operands: 'Gy Hy Ey', def: andn },
  { ...BMI1, name: 'blsr', code: 0xf3, ext: 1, operands: 'Hy Ey', def: lowest(i64.and, isZero) },
  { ...BMI1, name: 'blsmsk', code: 0xf3, ext: 2, operands: 'Hy Ey', def: lowest(i64.xor, isZero) },
  {
    ...BMI1,
    name: 'blsi',
    code: 0xf3,
    ext: 3,
    operands: 'Hy Ey',
    def: lowest((x) => i64.and(x, i64.sub(ZERO, x)), isNotZero),
  },
  { ...BMI1, name: 'bextr', code: 0xf7, operands: 'Gy Ey Hy', writes: 'ozc', undefines: 'sap', def: bextr },
  {
    ...BMI2,
    name: 'bzhi',
    code: 0xf5,
    prefix: 'np',
    operands: 'Gy Ey Hy',
    writes: 'oszc',
    undefines: 'ap',
    def: bzhi,
  },
  { ...BMI2, name: 'pdep', code: 0xf5, prefix: 'f2', operands: 'Gy Hy Ey', def: pdep },
  { ...BMI2, name: 'pext', code: 0xf5, prefix: 'f3', operands: 'Gy Hy Ey', def: pext },
  { ...BMI2, name: 'mulx', code: 0xf6, prefix: 'f2', operands: 'Gy Hy Ey', def: mulx },
  { ...BMI2, name: 'shlx', code: 0xf7, prefix: '66', operands: 'Gy Ey Hy', def: shift(i64.shl) },
  { ...BMI2, name: 'sarx', code: 0xf7, prefix: 'f3', operands: 'Gy Ey Hy', def: shift(i64.shr_s, true) },
  { ...BMI2, name: 'shrx', code: 0xf7, prefix: 'f2', operands: 'Gy Ey Hy', def: shift(i64.shr_u) },
  { ...BMI2, name: 'rorx', map: 3, code: 0xf0, prefix: 'f2', operands: 'Gy Ey Iub', def: rorx },
]
