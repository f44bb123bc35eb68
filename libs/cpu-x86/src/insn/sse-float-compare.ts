/**
 * min max cmp comis ucomis: for operands that are neither NaN nor denormal they raise nothing, whatever MXCSR says, and are done here;
 * and the reciprocal approximations.
 */
import type { Arithmetic, FloatOperand } from '../builder/arithmetic.ts'
import type { Builder, Place } from '../builder/builder.ts'
import type { Expr, F32, F64, I32, I64 } from '../wasm/expr.ts'
import { f32, f32x4, f64, f64x2, i32, i64, select, v128 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import { slowly } from './sse-float-exact.ts'
import { sseOpId } from './sse-op-ids.ts'
import { immediate, maskIf } from './sse-operands.ts'

type Scalar = F32 | F64

/** Two scalar operands, and how they compare. */
interface Compared {
  readonly lanes: 'ss' | 'sd'
  readonly x: Scalar
  readonly y: Scalar
  readonly less: I32
  readonly greater: I32
  readonly equal: I32
}

type Compare = (b: Builder, target: Place, source: Place) => Compared

const compareSingles: Compare = (b, target, source) => {
  const [x, y] = [b.single(target), b.single(source)] as [F32, F32]
  return { lanes: 'ss', x, y, less: f32.lt(x, y), greater: f32.gt(x, y), equal: f32.eq(x, y) }
}

const compareDoubles: Compare = (b, target, source) => {
  const [x, y] = [b.double(target), b.double(source)] as [F64, F64]
  return { lanes: 'sd', x, y, less: f64.lt(x, y), greater: f64.gt(x, y), equal: f64.eq(x, y) }
}

/** Both operands: the target, of value x, and the source. */
interface Operands {
  readonly target: Place
  readonly source: Place
  readonly x: FloatOperand['value']
  readonly y: FloatOperand['value']
}

/** What is right as it is for all operands that the library need not see. */
function arithmetic(
  b: Builder,
  name: string,
  { target, source, x, y }: Operands,
  rest: Omit<Arithmetic, 'operation' | 'operands' | 'target' | 'source' | 'suspects'>,
): void {
  const operands = [
    { place: target, value: x },
    { place: source, value: y },
  ]
  b.arithmetic({ operation: sseOpId(name), operands, target, source, suspects: [], ...rest })
}

const putScalar = (b: Builder, target: Place, value: Scalar): void =>
  value.type === 'f64' ? b.putDouble(target, value as F64) : b.putSingle(target, value as F32)

/** The target becomes the source unless the target is strictly less or greater. */
const extreme =
  (name: string, compare: Compare, keeps: 'less' | 'greater'): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    const c = compare(b, target, source)
    const { x, y, lanes } = c
    const result = b.variable(x.type) as Expr
    b.set(result, select(c[keeps], x as Expr, y as Expr))
    arithmetic(
      b,
      name,
      { target, source, x, y },
      {
        lanes,
        result,
        keep: () => putScalar(b, target, result as Scalar),
        plain: lanes,
      },
    )
  }

const packedExtreme =
  (name: string, lanes: 'ps' | 'pd', isMinimum: boolean): Definition =>
  (b) => {
    const ops = lanes === 'ps' ? f32x4 : f64x2
    const source = b.openAligned(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    const x = b.get128(target)
    const y = b.get128(source)
    const result = b.variable('v128')
    // pmin(a, b) is b < a ? b : a, so the operands change places.
    b.set(result, isMinimum ? ops.pmin(y, x) : ops.pmax(y, x))
    arithmetic(
      b,
      name,
      { target, source, x, y },
      {
        lanes,
        result,
        keep: () => b.put128(target, result),
        plain: lanes,
      },
    )
  }

/**
 * Predicates by the low two bits of the immediate: equal, less, less or equal, never (unordered); bit 2 negates. Without NaNs the
 * signalling of some does not matter.
 */
function predicate(imm: I64): { readonly equal: I64; readonly less: I64; readonly negate: I64 } {
  const bit = (table: number): I64 => i64.and(i64.shr_u(i64.const(table), i64.and(imm, i64.const(3))), i64.const(1))
  return { equal: bit(0b0101), less: bit(0b0110), negate: i64.and(i64.shr_u(imm, i64.const(2)), i64.const(1)) }
}

const compareMask =
  (name: string, compare: Compare): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    const imm = b.let(immediate(b, b.op(2)))
    const { x, y, lanes, equal, less } = compare(b, target, source)
    const { equal: ofEqual, less: ofLess, negate } = predicate(imm)
    const holds = i64.or(i64.and(i64.extend_i32_u(equal), ofEqual), i64.and(i64.extend_i32_u(less), ofLess))
    const result = b.variable('i64')
    b.set(result, b.trunc(i64.sub(i64.const(0), i64.xor(holds, negate)), target.size))
    arithmetic(
      b,
      name,
      { target, source, x, y },
      {
        imm,
        lanes,
        result,
        keep: () => b.put(target, result),
      },
    )
  }

const packedCompareMask =
  (name: string, lanes: 'ps' | 'pd'): Definition =>
  (b) => {
    const ops = lanes === 'ps' ? f32x4 : f64x2
    const source = b.openAligned(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    const imm = b.let(immediate(b, b.op(2)))
    const x = b.get128(target)
    const y = b.get128(source)
    const { equal, less, negate } = predicate(imm)
    const holds = v128.or(v128.and(ops.eq(x, y), maskIf(equal)), v128.and(ops.lt(x, y), maskIf(less)))
    const result = b.variable('v128')
    b.set(result, v128.xor(holds, maskIf(negate)))
    arithmetic(
      b,
      name,
      { target, source, x, y },
      {
        imm,
        lanes,
        result,
        keep: () => b.put128(target, result),
      },
    )
  }

const bitsOf = (v: Scalar): I64 =>
  v.type === 'f64' ? i64.reinterpret(v as F64) : i64.extend_i32_u(i32.reinterpret(v as F32))

const DAZ = 0x40

/** With DAZ denormal numbers compare as zeros. */
function asZeros<T extends 'f32' | 'f64'>(b: Builder, v: Expr<T>): void {
  const isDaz = i32.wrap(i64.and(b.state('mxcsr'), i64.const(DAZ)))
  const [isSmall, zero] =
    v.type === 'f64'
      ? [f64.lt(f64.abs(v as F64), f64.const(2 ** -1022)), f64.const(0)]
      : [f32.lt(f32.abs(v as F32), f32.const(2 ** -126)), f32.const(0)]
  b.if(i32.and(i32.ne(isDaz, i32.const(0)), isSmall), () => b.set(v as Expr, zero as Expr))
}

/** comis, ucomis: only what they leave in MXCSR is for the library. */
const compareFlags =
  (name: string, compare: Compare): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'r')
    const { x, y, lanes } = compare(b, target, source)
    const [p, q] = [b.variable(x.type), b.variable(y.type)] as [Scalar, Scalar]
    b.set(p as Expr, x)
    b.set(q as Expr, y)
    arithmetic(
      b,
      name,
      { target, source, x, y },
      {
        lanes,
        correct: () => {
          for (const v of [p, q]) asZeros(b, v as Expr<'f32' | 'f64'>)
        },
        keep: () => b.flags({ kind: 'float', x: b.let(bitsOf(p)), y: b.let(bitsOf(q)) }, lanes === 'sd' ? 8 : 4),
      },
    )
  }

/** Done by the library only. */
const packedExactly =
  (name: string): Definition =>
  (b) => {
    const source = b.openAligned(b.op(1), 'r')
    slowly(b, name, b.open(b.op(0), 'rw'), source)
  }
const scalarExactly =
  (name: string): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    slowly(b, name, b.open(b.op(0), 'rw'), source)
  }

const PS = { map: 1, prefix: 'np', operands: 'Vx Wx' } as const
const PD = { map: 1, prefix: '66', operands: 'Vx Wx' } as const
const SS = { map: 1, prefix: 'f3', operands: 'Vd Wd' } as const
const SD = { map: 1, prefix: 'f2', operands: 'Vq Wq' } as const
const FLAGS = { writes: 'oszapc' } as const

const extremeRows = (stem: 'min' | 'max', code: number): readonly Row[] => {
  const keeps = stem === 'min' ? 'less' : 'greater'
  const isMinimum = stem === 'min'
  return [
    { ...PS, name: `${stem}ps`, code, def: packedExtreme(`${stem}ps`, 'ps', isMinimum) },
    { ...PD, name: `${stem}pd`, code, def: packedExtreme(`${stem}pd`, 'pd', isMinimum) },
    { ...SS, name: `${stem}ss`, code, def: extreme(`${stem}ss`, compareSingles, keeps) },
    { ...SD, name: `${stem}sd`, code, def: extreme(`${stem}sd`, compareDoubles, keeps) },
  ]
}

const flagRows = (stem: 'comis' | 'ucomis', code: number): readonly Row[] => [
  { ...PS, ...FLAGS, name: `${stem}s`, code, operands: 'Vd Wd', def: compareFlags(`${stem}s`, compareSingles) },
  { ...PD, ...FLAGS, name: `${stem}d`, code, operands: 'Vq Wq', def: compareFlags(`${stem}d`, compareDoubles) },
]

export const rows: readonly Row[] = [
  ...extremeRows('min', 0x5d),
  ...extremeRows('max', 0x5f),
  ...flagRows('ucomis', 0x2e),
  ...flagRows('comis', 0x2f),
  { ...PS, name: 'cmpps', code: 0xc2, operands: 'Vx Wx Iub', def: packedCompareMask('cmpps', 'ps') },
  { ...PD, name: 'cmppd', code: 0xc2, operands: 'Vx Wx Iub', def: packedCompareMask('cmppd', 'pd') },
  { ...SS, name: 'cmpss', code: 0xc2, operands: 'Vd Wd Iub', def: compareMask('cmpss', compareSingles) },
  { ...SD, name: 'cmpsd', code: 0xc2, operands: 'Vq Wq Iub', def: compareMask('cmpsd', compareDoubles) },
  { ...PS, name: 'rcpps', code: 0x53, rare: true, def: packedExactly('rcpps') },
  { ...SS, name: 'rcpss', code: 0x53, rare: true, def: scalarExactly('rcpss') },
  { ...PS, name: 'rsqrtps', code: 0x52, rare: true, def: packedExactly('rsqrtps') },
  { ...SS, name: 'rsqrtss', code: 0x52, rare: true, def: scalarExactly('rsqrtss') },
]
