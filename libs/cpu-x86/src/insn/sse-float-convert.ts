/** Conversions between single, double and integers, and rounding to an integral value (SSE4.1). */

import type { Builder, Place } from '../builder/builder.ts'
import type { FloatLanes, FloatValue } from '../builder/float-tests.ts'
import { FLOAT_TESTS, isZero } from '../builder/float-tests.ts'
import type { Expr, F64, I32, I64, V128 } from '../wasm/expr.ts'
import { f32, f32x4, f64, f64x2, i32, i32x4, i64, i64x2, select, v128 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import { slowly } from './sse-float-exact.ts'
import { sseOpId } from './sse-op-ids.ts'
import { immediate, lanes, low64 } from './sse-operands.ts'

/** Doubles and singles alike. */
interface ScalarFormat<T extends 'f32' | 'f64' = 'f32' | 'f64'> {
  readonly type: T
  readonly lanes: 'ss' | 'sd'
  /** Bits of a significand: integers as short as that are exact. */
  readonly precision: number
  read(b: Builder, place: Place): Expr<T>
  put(b: Builder, place: Place, value: Expr<T>): void
  fromInteger(n: I64): Expr<T>
  toDouble(v: Expr<T>): F64
}

const DOUBLES: ScalarFormat<'f64'> = {
  type: 'f64',
  lanes: 'sd',
  precision: 53,
  read: (b, place) => b.double(place),
  put: (b, place, value) => b.putDouble(place, value),
  fromInteger: f64.convert_i64_s,
  toDouble: (v) => v,
}

const SINGLES: ScalarFormat<'f32'> = {
  type: 'f32',
  lanes: 'ss',
  precision: 24,
  read: (b, place) => b.single(place),
  put: (b, place, value) => b.putSingle(place, value),
  fromInteger: f32.convert_i64_s,
  toDouble: f64.promote,
}

/** A signed integer to a scalar. */
const fromInteger =
  <T extends 'f32' | 'f64'>(name: string, bits: 32 | 64, format: ScalarFormat<T>): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'w')
    const n = b.getSigned(source)
    const result = b.variable(format.type)
    b.set(result, format.fromInteger(n))
    const limit = 1n << BigInt(format.precision)
    const isLong = i64.ge_u(i64.add(n, i64.const(limit)), i64.const(2n * limit))
    const isUnusual = (): I32 => i32.eqz(b.limit(format.lanes))
    b.arithmetic({
      operation: sseOpId(name),
      lanes: format.lanes,
      operands: [],
      target,
      result,
      suspects: bits <= format.precision ? [] : [i32.and(isUnusual(), isLong)],
      prepare: () => b.setState('result', n),
      keep: () => format.put(b, target, result),
      plain: format.lanes,
    })
  }

/** A scalar to a signed integer. Out of range and NaN are left to the library, which answers the indefinite integer. */
const toInteger =
  <T extends 'f32' | 'f64'>(name: string, bits: 32 | 64, format: ScalarFormat<T>, truncates: boolean): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'w')
    const x = format.toDouble(format.read(b, source))
    const rounded = b.let(truncates ? x : f64.nearest(x))
    const fits = f64.lt(f64.abs(rounded), f64.const(bits === 32 ? 2 ** 31 : 2 ** 63))
    const result = b.variable('i64')
    b.set(result, i64.trunc_sat_f64_s(rounded))
    b.arithmetic({
      operation: sseOpId(name),
      lanes: format.lanes,
      operands: [],
      source,
      result,
      suspects: [i32.eqz(b.limit(format.lanes)), i32.eqz(fits)],
      keep: () => b.put(target, b.trunc(result, bits / 8)),
    })
  }

/** A conversion of the operand in `from` lanes that leaves the result in `to` lanes. */
function conversion<A extends 'f32' | 'f64' | 'v128', R extends 'f32' | 'f64' | 'v128'>(
  b: Builder,
  how: {
    readonly name: string
    readonly imm?: I64
    readonly source: Place
    readonly target: Place
    readonly from: FloatLanes
    readonly to: FloatLanes
    readonly x: Expr<A>
    readonly value: Expr<R>
    readonly operands: 'plain' | 'any'
    readonly suspects: (result: Expr<R>) => readonly I32[]
    readonly excused?: (result: Expr<R>) => I32
    readonly isPlain: boolean
    readonly put: (result: Expr<R>) => void
  },
): void {
  const { source, target, from, to, x, value } = how
  const result = b.variable(value.type)
  b.set(result, value)
  b.arithmetic({
    operation: sseOpId(how.name),
    ...(how.imm && { imm: how.imm }),
    lanes: from,
    operands: how.operands === 'plain' ? [{ place: source, value: x as FloatValue }] : [],
    source,
    target,
    result,
    suspects: how.suspects(result),
    ...(how.excused && { excused: how.excused(result) }),
    keep: () => how.put(result),
    ...(how.isPlain && { plain: to }),
  })
}

/** Exact. */
function singleToDouble(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  const x = b.single(source)
  conversion(b, {
    name: 'cvtss2sd',
    ...{ source, target, from: 'ss', to: 'sd', x, value: f64.promote(x), operands: 'plain', isPlain: true },
    suspects: () => [],
    put: (result) => b.putDouble(target, result),
  })
}

function doubleToSingle(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  const x = b.double(source)
  conversion(b, {
    name: 'cvtsd2ss',
    ...{ source, target, from: 'sd', to: 'ss', x, value: f32.demote(x), operands: 'plain', isPlain: true },
    suspects: (result) => [FLOAT_TESTS.ss.unsure(result, b.limit('ss'))],
    excused: () => isZero(x),
    put: (result) => b.putSingle(target, result),
  })
}

/** The lower half twice. */
const twice = (v: V128): V128 => v128.shuffle(v, v, [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7])

function singlesToDoubles(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  const x = b.let(low64(b.get(source)))
  const odd = FLOAT_TESTS.ps.bad(x)
  conversion(b, {
    name: 'cvtps2pd',
    ...{ source, target, from: 'ps', to: 'pd', x, value: f64x2.promote_low_f32x4(x), operands: 'any', isPlain: true },
    suspects: () => [odd],
    put: (result) => b.put128(target, result),
  })
}

function doublesToSingles(b: Builder): void {
  const source = b.openAligned(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  const x = b.get128(source)
  const limit = b.limit('ps')
  conversion(b, {
    name: 'cvtpd2ps',
    ...{ source, target, from: 'pd', to: 'ps', x, value: f32x4.demote_f64x2_zero(x), operands: 'any', isPlain: true },
    suspects: (result) => [i32.eqz(limit), FLOAT_TESTS.ps.unsure(twice(result), limit)],
    put: (result) => b.put128(target, result),
  })
}

function integersToSingles(b: Builder): void {
  const source = b.openAligned(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  const x = b.get128(source)
  conversion(b, {
    name: 'cvtdq2ps',
    ...{ source, target, from: 'ps', to: 'ps', x, value: f32x4.convert_i32x4_s(x), operands: 'any', isPlain: true },
    suspects: () => [i32.eqz(b.limit('ps'))],
    put: (result) => b.put128(target, result),
  })
}

function integersToDoubles(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  b.put128(target, f64x2.convert_low_i32x4_s(low64(b.get(source))))
}

/** Lanes to 32-bit integers; the library takes those out of range and NaNs. */
const toIntegers =
  (
    name: string,
    ops: typeof f32x4 | typeof f64x2,
    limit: V128,
    truncates: boolean,
    convert: (v: V128) => V128,
  ): Definition =>
  (b) => {
    const source = b.openAligned(b.op(1), 'r')
    const target = b.open(b.op(0), 'w')
    const x = b.get128(source)
    const rounded = b.let(truncates ? x : ops.nearest(x))
    const mask = ops === f32x4 ? i32x4.bitmask : i64x2.bitmask
    const outside = mask(v128.not(ops.lt(ops.abs(rounded), limit)))
    const from = ops === f32x4 ? 'ps' : 'pd'
    conversion(b, {
      name,
      ...{ source, target, from, to: from, x, value: convert(rounded), operands: 'any', isPlain: false },
      suspects: () => [i32.eqz(b.limit(from)), outside],
      put: (result) => b.put128(target, result),
    })
  }
const singlesLimit: V128 = lanes(32, 0x4f000000)
const doublesLimit: V128 = lanes(64, 0x41e0000000000000n)

/** The rounding that an immediate asks for in the usual mode: 0 nearest, 1 down, 2 up, 3 to zero; bit 2 means MXCSR's. */
const roundingOf = (imm: I64): I64 =>
  select(i32.wrap(i64.and(imm, i64.const(4))), i64.const(0), i64.and(imm, i64.const(3)))

interface Roundings<T> {
  nearest(x: T): T
  floor(x: T): T
  ceil(x: T): T
  trunc(x: T): T
}

function roundScalar<T extends Expr>(
  b: Builder,
  imm: I64,
  ops: Roundings<T>,
  pick: (condition: I32, x: T, y: T) => T,
  x: T,
): T {
  const known = imm.shape === 'const' ? Number(imm.imm) : undefined
  if (known !== undefined) {
    if ((known & 4) !== 0) return ops.nearest(x)
    return [ops.nearest, ops.floor, ops.ceil, ops.trunc][known & 3]!(x)
  }
  const mode = b.let(roundingOf(imm))
  const isMode = (n: number): I32 => i64.eq(mode, i64.const(n))
  return pick(isMode(0), ops.nearest(x), pick(isMode(1), ops.floor(x), pick(isMode(2), ops.ceil(x), ops.trunc(x))))
}

const roundOne =
  <T extends 'f32' | 'f64'>(name: string, format: ScalarFormat<T>, ops: Roundings<Expr<T>>): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'w')
    const imm = b.let(immediate(b, b.op(2)))
    const x = format.read(b, source)
    const limit = b.limit(format.lanes)
    conversion(b, {
      name,
      ...{ imm, source, target, from: format.lanes, to: format.lanes, x, operands: 'plain', isPlain: true },
      value: roundScalar<Expr<T>>(b, imm, ops, (c, p, q) => select(c, p, q), x),
      suspects: () => [i32.eqz(limit)],
      put: (result) => format.put(b, target, result),
    })
  }

const roundPacked =
  (name: string, from: 'ps' | 'pd', ops: typeof f32x4 | typeof f64x2): Definition =>
  (b) => {
    const source = b.openAligned(b.op(1), 'r')
    const target = b.open(b.op(0), 'w')
    const imm = b.let(immediate(b, b.op(2)))
    const x = b.get128(source)
    const mode = b.let(roundingOf(imm))
    const value = b.variable('v128')
    b.set(value, ops.nearest(x))
    for (const [n, round] of [ops.floor, ops.ceil, ops.trunc].entries()) {
      b.if(i64.eq(mode, i64.const(n + 1)), () => b.set(value, round(x)))
    }
    conversion(b, {
      name,
      ...{ imm, source, target, from, to: from, x, value, operands: 'plain', isPlain: true },
      suspects: () => [i32.eqz(b.limit(from))],
      put: (result) => b.put128(target, result),
    })
  }

const dotProduct =
  (name: string): Definition =>
  (b) => {
    const source = b.openAligned(b.op(1), 'r')
    slowly(b, name, b.open(b.op(0), 'rw'), source, immediate(b, b.op(2)))
  }

/** cvt(t)ss2si and cvt(t)sd2si in both widths, and back. */
function integerRows<T extends 'f32' | 'f64'>(letter: 's' | 'd', format: ScalarFormat<T>): readonly Row[] {
  const [float, floatSource, prefix] = letter === 's' ? (['Vd', 'Wd', 'f3'] as const) : (['Vq', 'Wq', 'f2'] as const)
  return ([32, 64] as const).flatMap((bits): readonly Row[] => {
    const [general, w] = bits === 32 ? (['d', 0] as const) : (['q', 1] as const)
    const row = (name: string, code: number, operands: string, def: Definition): Row => {
      return { name, map: 1, code, prefix, w, operands, def }
    }
    const [from, to, truncated] = [`cvtsi2s${letter}`, `cvts${letter}2si`, `cvtts${letter}2si`]
    return [
      row(from, 0x2a, `${float} E${general}`, fromInteger(`${from}.${bits}`, bits, format)),
      row(truncated, 0x2c, `G${general} ${floatSource}`, toInteger(`${truncated}.${bits}`, bits, format, true)),
      row(to, 0x2d, `G${general} ${floatSource}`, toInteger(`${to}.${bits}`, bits, format, false)),
    ]
  })
}

const PACKED = { map: 1, operands: 'Vx Wx' } as const
const toI32FromSingles = i32x4.trunc_sat_f32x4_s
const toI32FromDoubles = i32x4.trunc_sat_f64x2_s_zero
const SSE41 = { map: 3, prefix: '66', feature: 'sse4_1' } as const

export const rows: readonly Row[] = [
  ...integerRows('s', SINGLES),
  ...integerRows('d', DOUBLES),
  { name: 'cvtss2sd', map: 1, code: 0x5a, prefix: 'f3', operands: 'Vq Wd', def: singleToDouble },
  { name: 'cvtsd2ss', map: 1, code: 0x5a, prefix: 'f2', operands: 'Vd Wq', def: doubleToSingle },
  { name: 'cvtps2pd', map: 1, code: 0x5a, prefix: 'np', operands: 'Vx Wq', def: singlesToDoubles },
  { name: 'cvtpd2ps', code: 0x5a, prefix: '66', ...PACKED, def: doublesToSingles },
  { name: 'cvtdq2ps', code: 0x5b, prefix: 'np', ...PACKED, def: integersToSingles },
  { name: 'cvtdq2pd', map: 1, code: 0xe6, prefix: 'f3', operands: 'Vx Wq', def: integersToDoubles },
  {
    name: 'cvtps2dq',
    code: 0x5b,
    prefix: '66',
    ...PACKED,
    def: toIntegers('cvtps2dq', f32x4, singlesLimit, false, toI32FromSingles),
  },
  {
    name: 'cvttps2dq',
    code: 0x5b,
    prefix: 'f3',
    ...PACKED,
    def: toIntegers('cvttps2dq', f32x4, singlesLimit, true, toI32FromSingles),
  },
  {
    name: 'cvtpd2dq',
    code: 0xe6,
    prefix: 'f2',
    ...PACKED,
    def: toIntegers('cvtpd2dq', f64x2, doublesLimit, false, toI32FromDoubles),
  },
  {
    name: 'cvttpd2dq',
    code: 0xe6,
    prefix: '66',
    ...PACKED,
    def: toIntegers('cvttpd2dq', f64x2, doublesLimit, true, toI32FromDoubles),
  },
  { ...SSE41, name: 'roundps', code: 0x08, operands: 'Vx Wx Iub', def: roundPacked('roundps', 'ps', f32x4) },
  { ...SSE41, name: 'roundpd', code: 0x09, operands: 'Vx Wx Iub', def: roundPacked('roundpd', 'pd', f64x2) },
  { ...SSE41, name: 'roundss', code: 0x0a, operands: 'Vd Wd Iub', def: roundOne('roundss', SINGLES, f32) },
  { ...SSE41, name: 'roundsd', code: 0x0b, operands: 'Vq Wq Iub', def: roundOne('roundsd', DOUBLES, f64) },
  { ...SSE41, name: 'dpps', code: 0x40, operands: 'Vx Wx Iub', rare: true, def: dotProduct('dpps') },
  { ...SSE41, name: 'dppd', code: 0x41, operands: 'Vx Wx Iub', rare: true, def: dotProduct('dppd') },
]
