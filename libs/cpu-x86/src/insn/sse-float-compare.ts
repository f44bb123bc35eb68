/**
 * min max cmp comis ucomis: for operands that are neither NaN nor denormal they raise nothing, whatever MXCSR says, and are done here;
 * and the reciprocal approximations.
 */
import type { Builder, Place } from '../builder/builder.ts'
import type { Expr, I32, I64, V128 } from '../wasm/expr.ts'
import { f32, f32x4, f64, f64x2, i32, i64, select, v128 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import {
  doublesTests,
  doubleTests,
  none,
  singlesTests,
  singleTests,
  slowly,
  type VectorTests,
} from './sse-float-exact.ts'
import { immediate, maskIf, openAligned } from './sse-operands.ts'

/** Two scalar operands as bits, and how they compare. */
interface Compared {
  readonly x: I64
  readonly y: I64
  readonly less: I32
  readonly greater: I32
  readonly equal: I32
  /** Neither is NaN or denormal. */
  readonly plain: I32
}

type Compare = (b: Builder, target: Place, source: Place) => Compared

const compareSingles: Compare = (b, target, source) => {
  const x = b.get(target)
  const y = b.get(source)
  const [p, q] = [x, y].map((v) => b.let(i32.wrap(v))) as [I32, I32]
  const [s, t] = [p, q].map((v) => b.let(f32.reinterpret(v))) as [Expr<'f32'>, Expr<'f32'>]
  const ordered = i32.and(f32.eq(s, s), f32.eq(t, t))
  const plain = i32.and(ordered, i32.eqz(i32.or(singleTests.isDenormal(p), singleTests.isDenormal(q))))
  return { x, y, less: f32.lt(s, t), greater: f32.gt(s, t), equal: f32.eq(s, t), plain }
}

const compareDoubles: Compare = (b, target, source) => {
  const x = b.get(target)
  const y = b.get(source)
  const [s, t] = [x, y].map((v) => b.let(f64.reinterpret(v))) as [Expr<'f64'>, Expr<'f64'>]
  const ordered = i32.and(f64.eq(s, s), f64.eq(t, t))
  const plain = i32.and(ordered, i32.eqz(i32.or(doubleTests.isDenormal(x), doubleTests.isDenormal(y))))
  return { x, y, less: f64.lt(s, t), greater: f64.gt(s, t), equal: f64.eq(s, t), plain }
}

/** The target becomes the source unless the target is strictly less or greater. */
const extreme =
  (name: string, compare: Compare, keeps: 'less' | 'greater'): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    const c = compare(b, target, source)
    const value = b.let(select(c[keeps], c.x, c.y))
    b.if(
      c.plain,
      () => b.put(target, value),
      () => slowly(b, name, target, source),
    )
  }

/** Lanes that have NaNs or denormal numbers in either vector. */
const suspects = (ops: typeof f32x4 | typeof f64x2, tests: VectorTests, x: V128, y: V128): V128 =>
  v128.or(v128.or(ops.ne(x, x), ops.ne(y, y)), v128.or(tests.denormal(x), tests.denormal(y)))

const packedExtreme =
  (name: string, ops: typeof f32x4 | typeof f64x2, tests: VectorTests, isMinimum: boolean): Definition =>
  (b) => {
    const source = openAligned(b, b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    const x = b.get128(target)
    const y = b.get128(source)
    b.if(
      none(suspects(ops, tests, x, y)),
      // pmin(a, b) is b < a ? b : a, so the operands change places.
      () => b.put128(target, isMinimum ? ops.pmin(y, x) : ops.pmax(y, x)),
      () => slowly(b, name, target, source),
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
    const c = compare(b, target, source)
    const { equal, less, negate } = predicate(imm)
    const holds = i64.or(i64.and(i64.extend_i32_u(c.equal), equal), i64.and(i64.extend_i32_u(c.less), less))
    b.if(
      c.plain,
      () => b.put(target, b.trunc(i64.sub(i64.const(0), i64.xor(holds, negate)), target.size)),
      () => slowly(b, name, target, source, imm),
    )
  }

const packedCompareMask =
  (name: string, ops: typeof f32x4 | typeof f64x2, tests: VectorTests): Definition =>
  (b) => {
    const source = openAligned(b, b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    const imm = b.let(immediate(b, b.op(2)))
    const x = b.get128(target)
    const y = b.get128(source)
    const { equal, less, negate } = predicate(imm)
    b.if(
      none(suspects(ops, tests, x, y)),
      () => {
        const holds = v128.or(v128.and(ops.eq(x, y), maskIf(equal)), v128.and(ops.lt(x, y), maskIf(less)))
        b.put128(target, v128.xor(holds, maskIf(negate)))
      },
      () => slowly(b, name, target, source, imm),
    )
  }

/** comis, ucomis: ZF for equal, CF for less, all three of ZF, PF and CF for unordered; OF, SF and AF are cleared. */
const compareFlags =
  (name: string, compare: Compare): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'r')
    const c = compare(b, target, source)
    const rflags = b.variable('i64')
    b.if(
      c.plain,
      () => b.set(rflags, i64.extend_i32_u(i32.or(i32.shl(c.equal, i32.const(6)), c.less))),
      () => {
        slowly(b, name, target, source)
        b.set(rflags, b.state('result'))
      },
    )
    b.flags({ kind: 'bits', rflags })
  }

/** Done by the library only. */
const packedExactly =
  (name: string): Definition =>
  (b) => {
    const source = openAligned(b, b.op(1), 'r')
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
    { ...PS, name: `${stem}ps`, code, def: packedExtreme(`${stem}ps`, f32x4, singlesTests, isMinimum) },
    { ...PD, name: `${stem}pd`, code, def: packedExtreme(`${stem}pd`, f64x2, doublesTests, isMinimum) },
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
  { ...PS, name: 'cmpps', code: 0xc2, operands: 'Vx Wx Iub', def: packedCompareMask('cmpps', f32x4, singlesTests) },
  { ...PD, name: 'cmppd', code: 0xc2, operands: 'Vx Wx Iub', def: packedCompareMask('cmppd', f64x2, doublesTests) },
  { ...SS, name: 'cmpss', code: 0xc2, operands: 'Vd Wd Iub', def: compareMask('cmpss', compareSingles) },
  { ...SD, name: 'cmpsd', code: 0xc2, operands: 'Vq Wq Iub', def: compareMask('cmpsd', compareDoubles) },
  { ...PS, name: 'rcpps', code: 0x53, rare: true, def: packedExactly('rcpps') },
  { ...SS, name: 'rcpss', code: 0x53, rare: true, def: scalarExactly('rcpss') },
  { ...PS, name: 'rsqrtps', code: 0x52, rare: true, def: packedExactly('rsqrtps') },
  { ...SS, name: 'rsqrtss', code: 0x52, rare: true, def: scalarExactly('rsqrtss') },
]
