/** Conversions between single, double and integers, and rounding to an integral value (SSE4.1). */
import type { Builder } from '../builder/builder.ts'
import type { F32, F64, I32, I64, V128 } from '../wasm/expr.ts'
import { f32, f32x4, f64, f64x2, i32, i32x4, i64, select, v128 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import {
  doublesTests,
  doubleTests,
  isUsual,
  none,
  singlesTests,
  singleTests,
  slowly,
  type VectorTests,
} from './sse-float-exact.ts'
import { immediate, lanes, low64, openAligned } from './sse-operands.ts'

/** A signed integer to a scalar with `precision` bits of significand, which takes any integer as short as that exactly. */
const fromInteger =
  (name: string, bits: 32 | 64, precision: 24 | 53, convert: (n: I64) => I64): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'w')
    const n = b.getSigned(source)
    const keep = (): void => b.put(target, convert(n))
    if (bits <= precision) {
      keep()
      return
    }
    const limit = 1n << BigInt(precision)
    const isShort = i64.lt_u(i64.add(n, i64.const(limit)), i64.const(2n * limit))
    b.if(i32.or(isUsual(b), isShort), keep, () => {
      b.setState('result', n)
      slowly(b, name, target)
    })
  }

/** A scalar to a signed integer. Out of range and NaN are left to the library, which answers the indefinite integer. */
const toInteger =
  (name: string, read: (bits: I64) => F64, bits: 32 | 64, truncates: boolean): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'w')
    const x = read(b.get(source))
    const rounded = b.let(truncates ? x : f64.nearest(x))
    const fits = f64.lt(f64.abs(rounded), f64.const(bits === 32 ? 2 ** 31 : 2 ** 63))
    const result = b.variable('i64')
    b.if(
      i32.and(isUsual(b), fits),
      () => b.set(result, i64.trunc_sat_f64_s(rounded)),
      () => {
        slowly(b, name, undefined, source)
        b.set(result, b.state('result'))
      },
    )
    b.put(target, b.trunc(result, bits / 8))
  }

const singleOf = (bits: I64): F32 => f32.reinterpret(i32.wrap(bits))
const promoted = (bits: I64): F64 => f64.promote(singleOf(bits))

/** Exact, unless the source is NaN or denormal. */
function singleToDouble(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  const x = b.let(i32.wrap(b.get(source)))
  const value = b.let(f32.reinterpret(x))
  b.if(
    i32.and(f32.eq(value, value), i32.eqz(singleTests.isDenormal(x))),
    () => b.put(target, i64.reinterpret(f64.promote(value))),
    () => slowly(b, 'cvtss2sd', target, source),
  )
}

function doubleToSingle(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  const x = b.get(source)
  const r = b.let(i32.reinterpret(f32.demote(f64.reinterpret(x))))
  b.if(
    i32.and(isUsual(b), i32.or(singleTests.isNormal(r), doubleTests.isZero(x))),
    () => b.put(target, i64.extend_i32_u(r)),
    () => slowly(b, 'cvtsd2ss', target, source),
  )
}

function singlesToDoubles(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  const x = b.let(low64(b.get(source)))
  b.if(
    none(v128.or(f32x4.ne(x, x), singlesTests.denormal(x))),
    () => b.put128(target, f64x2.promote_low_f32x4(x)),
    () => slowly(b, 'cvtps2pd', target, source),
  )
}

function doublesToSingles(b: Builder): void {
  const source = openAligned(b, b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  const r = b.let(f32x4.demote_f64x2_zero(b.get128(source)))
  const twice = v128.shuffle(r, r, [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7])
  b.if(
    i32.and(isUsual(b), none(singlesTests.abnormal(twice))),
    () => b.put128(target, r),
    () => slowly(b, 'cvtpd2ps', target, source),
  )
}

function integersToSingles(b: Builder): void {
  const source = openAligned(b, b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  b.if(
    isUsual(b),
    () => b.put128(target, f32x4.convert_i32x4_s(b.get128(source))),
    () => slowly(b, 'cvtdq2ps', target, source),
  )
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
    const source = openAligned(b, b.op(1), 'r')
    const target = b.open(b.op(0), 'w')
    const x = b.get128(source)
    const rounded = b.let(truncates ? x : ops.nearest(x))
    const fits = ops.lt(ops.abs(rounded), limit)
    b.if(
      i32.and(isUsual(b), none(v128.not(fits))),
      () => b.put128(target, convert(rounded)),
      () => slowly(b, name, target, source),
    )
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

function roundScalar<T extends F32 | F64>(
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

function roundSingle(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  const imm = b.let(immediate(b, b.op(2)))
  const bits = b.let(i32.wrap(b.get(source)))
  const x = b.let(f32.reinterpret(bits))
  const r = b.let(i32.reinterpret(roundScalar<F32>(b, imm, f32, (c, p, q) => select(c, p, q), x)))
  b.if(
    i32.and(isUsual(b), singleTests.isFinite(bits)),
    () => b.put(target, i64.extend_i32_u(r)),
    () => slowly(b, 'roundss', target, source, imm),
  )
}

function roundDouble(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  const imm = b.let(immediate(b, b.op(2)))
  const bits = b.get(source)
  const x = b.let(f64.reinterpret(bits))
  const r = b.let(i64.reinterpret(roundScalar<F64>(b, imm, f64, (c, p, q) => select(c, p, q), x)))
  b.if(
    i32.and(isUsual(b), doubleTests.isFinite(bits)),
    () => b.put(target, r),
    () => slowly(b, 'roundsd', target, source, imm),
  )
}

const roundPacked =
  (name: string, ops: typeof f32x4 | typeof f64x2, tests: VectorTests): Definition =>
  (b) => {
    const source = openAligned(b, b.op(1), 'r')
    const target = b.open(b.op(0), 'w')
    const imm = b.let(immediate(b, b.op(2)))
    const x = b.get128(source)
    const mode = b.let(roundingOf(imm))
    const result = b.variable('v128')
    b.set(result, ops.nearest(x))
    for (const [n, round] of [ops.floor, ops.ceil, ops.trunc].entries()) {
      b.if(i64.eq(mode, i64.const(n + 1)), () => b.set(result, round(x)))
    }
    b.if(
      i32.and(isUsual(b), none(tests.notFinite(x))),
      () => b.put128(target, result),
      () => slowly(b, name, target, source, imm),
    )
  }

const dotProduct =
  (name: string): Definition =>
  (b) => {
    const source = openAligned(b, b.op(1), 'r')
    slowly(b, name, b.open(b.op(0), 'rw'), source, immediate(b, b.op(2)))
  }

/** cvt(t)ss2si and cvt(t)sd2si in both widths, and back. */
function integerRows(letter: 's' | 'd'): readonly Row[] {
  const read = letter === 's' ? promoted : f64.reinterpret
  const [float, floatSource, prefix] = letter === 's' ? (['Vd', 'Wd', 'f3'] as const) : (['Vq', 'Wq', 'f2'] as const)
  const write = (n: I64): I64 =>
    letter === 's' ? i64.extend_i32_u(i32.reinterpret(f32.convert_i64_s(n))) : i64.reinterpret(f64.convert_i64_s(n))
  return ([32, 64] as const).flatMap((bits): readonly Row[] => {
    const [general, w] = bits === 32 ? (['d', 0] as const) : (['q', 1] as const)
    const row = (name: string, code: number, operands: string, def: Definition): Row => {
      return { name, map: 1, code, prefix, w, operands, def }
    }
    const [from, to, truncated] = [`cvtsi2s${letter}`, `cvts${letter}2si`, `cvtts${letter}2si`]
    const precision = letter === 's' ? 24 : 53
    return [
      row(from, 0x2a, `${float} E${general}`, fromInteger(`${from}.${bits}`, bits, precision, write)),
      row(truncated, 0x2c, `G${general} ${floatSource}`, toInteger(`${truncated}.${bits}`, read, bits, true)),
      row(to, 0x2d, `G${general} ${floatSource}`, toInteger(`${to}.${bits}`, read, bits, false)),
    ]
  })
}

const PACKED = { map: 1, operands: 'Vx Wx' } as const
const toI32FromSingles = i32x4.trunc_sat_f32x4_s
const toI32FromDoubles = i32x4.trunc_sat_f64x2_s_zero
const SSE41 = { map: 3, prefix: '66', feature: 'sse4_1' } as const

export const rows: readonly Row[] = [
  ...integerRows('s'),
  ...integerRows('d'),
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
  { ...SSE41, name: 'roundps', code: 0x08, operands: 'Vx Wx Iub', def: roundPacked('roundps', f32x4, singlesTests) },
  { ...SSE41, name: 'roundpd', code: 0x09, operands: 'Vx Wx Iub', def: roundPacked('roundpd', f64x2, doublesTests) },
  { ...SSE41, name: 'roundss', code: 0x0a, operands: 'Vd Wd Iub', def: roundSingle },
  { ...SSE41, name: 'roundsd', code: 0x0b, operands: 'Vq Wq Iub', def: roundDouble },
  { ...SSE41, name: 'dpps', code: 0x40, operands: 'Vx Wx Iub', rare: true, def: dotProduct('dpps') },
  { ...SSE41, name: 'dppd', code: 0x41, operands: 'Vx Wx Iub', rare: true, def: dotProduct('dppd') },
]
