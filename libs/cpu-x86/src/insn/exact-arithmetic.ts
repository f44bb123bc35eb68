/** add sub mul div sqrt, packed and scalar: whether WebAssembly's result is the processor's, and exact. */
import { FLOAT_TESTS, type FloatLanes, type FloatValue, isZero } from '../builder/float-tests.ts'
import type { Expr, F32, F64, I32, V128 } from '../wasm/expr.ts'
import { f32, f32x4, f64, f64x2, i32, i64x2, v128 } from '../wasm/ops.ts'
import type { DoubtWriter } from './doubt-writer.ts'
import {
  areEqual,
  areExactSums,
  bothLanes,
  halvesOf,
  isExactProduct,
  isExactQuotient,
  isExactSum,
  isSameSingle,
  type TestWriter,
} from './exactness.ts'
import { zero128 } from './sse-operands.ts'

/** Emits the test of an operation; x is not of interest to a root. @returns whether the result is exact */
type ExactTest = (w: DoubtWriter, x: V128, y: V128) => I32

/** Leaves what is not plain to the library. */
export function wantPlain(w: DoubtWriter, lanes: FloatLanes, value: FloatValue): void {
  const tests = FLOAT_TESTS[lanes]
  w.code.if(tests.odd(value))
  w.leaveIf(tests.bad(value))
  w.code.end()
}

type Name = 'add' | 'sub' | 'mul' | 'div' | 'sqrt'
const NAMES: readonly Name[] = ['add', 'sub', 'mul', 'div', 'sqrt']

/** Not what is neither sure nor a zero that is exact; and of a quotient, not if that is so of the dividend. */
function wantSure(w: DoubtWriter, name: Name, lanes: FloatLanes, [x, y, result]: readonly FloatValue[]): void {
  const tests = FLOAT_TESTS[lanes]
  const limit = i32.const(tests.limit)
  const zero = zeroIn(lanes)
  const operands = { add: undefined, sub: undefined, mul: or(zero(x), zero(y)), div: zero(x), sqrt: zero(y) }[name]
  w.code.if(tests.unsure(result, limit))
  w.leaveIf(i32.eqz(tests.only(result, operands ? and(zero(result), operands) : zero(result))))
  w.code.end()
  if (name !== 'div') return
  w.code.if(tests.unsure(x, limit))
  w.leaveIf(i32.eqz(tests.only(x, zero(x))))
  w.code.end()
}

type Mask = I32 | V128
const zeroIn =
  (lanes: FloatLanes) =>
  (v: FloatValue): Mask => {
    if (lanes === 'ps') return f32x4.eq(v as V128, zero128)
    return lanes === 'pd' ? f64x2.eq(v as V128, zero128) : isZero(v as F32 | F64)
  }
const and = (a: Mask, b: Mask): Mask =>
  a.type === 'i32' ? i32.and(a as I32, b as I32) : v128.and(a as V128, b as V128)
const or = (a: Mask, b: Mask): Mask => (a.type === 'i32' ? i32.or(a as I32, b as I32) : v128.or(a as V128, b as V128))

/** What makes up what, but of a sum: two factors, and their product as it was rounded. */
function factorsOf<T>(name: Name, x: T, y: T, result: T): readonly [T, T, T] {
  if (name === 'mul') return [x, y, result]
  return name === 'div' ? [result, y, x] : [result, result, y]
}

/** Whether one double is exact; not of a sum. */
function isExactDouble(w: TestWriter, name: Name, x: F64, y: F64, result: F64): I32 {
  if (name === 'mul') return isExactProduct(w, x, y)
  return name === 'div' ? isExactQuotient(w, x, y, result) : isExactQuotient(w, y, result, result)
}

/** Below, the error of a product may be too small for a double. */
const LEAST = f64x2.splat(f64.const(2 ** -960))
const MOST = f64x2.splat(f64.const(Number.MAX_VALUE))

/** All are plain, sure and no less than `LEAST`. Of results and operands a result is the first: it is a NaN if one of the others is. */
function areUsual(w: DoubtWriter, values: readonly V128[]): I32 {
  const sizes = values.map((value) => w.let(f64x2.abs(value)))
  const [least, most] = [sizes.reduce(f64x2.pmin), sizes.reduce(f64x2.pmax)]
  return i64x2.allTrue(v128.and(f64x2.ge(least, LEAST), f64x2.le(most, MOST)))
}

type Operations<T extends FloatValue> = Readonly<Record<Exclude<Name, 'sqrt'>, (x: T, y: T) => T>> & { sqrt(x: T): T }

interface PlainAndSure<T extends FloatValue> {
  readonly name: Name
  readonly lanes: FloatLanes
  readonly ops: Operations<T>
  /** Whether there is something to look at: not if all is plain and sure. Given the result first, then the operands. */
  readonly isOdd: (values: readonly T[]) => I32
  /** What else is looked at then. */
  readonly also?: (values: readonly [T, T, T]) => void
}

/** Both operands (a root has one) and WebAssembly's result, which is what may be left to it. */
function plainAndSure<T extends FloatValue>(
  w: DoubtWriter,
  operands: readonly [T, T],
  { name, lanes, ops, isOdd, also }: PlainAndSure<T>,
): readonly [T, T, T] {
  const bind = (value: T): T => w.let(value as Expr) as T
  const y = bind(operands[1])
  const x = name === 'sqrt' ? y : bind(operands[0])
  const result = bind(name === 'sqrt' ? ops.sqrt(y) : ops[name](x, y))
  const values = [x, y, result] as const
  // What is sure is plain too.
  w.code.if(isOdd(name === 'sqrt' ? [result, y] : [result, x, y]))
  wantPlain(w, lanes, y)
  if (name !== 'sqrt') wantPlain(w, lanes, x)
  wantSure(w, name, lanes, values)
  also?.(values)
  w.code.end()
  return values
}

/** Whether products are exact, by a multiplication and addition that rounds once. */
const areExactProducts = ([x, y, product]: readonly [V128, V128, V128]): I32 =>
  areEqual('pd', f64x2.relaxed_madd(x, y, f64x2.neg(product)), zero128)

/** A product that is not zero, and whose error may be too small for a double, is left to the library. */
function wantError(w: DoubtWriter, product: V128): void {
  const isSmall = f64x2.lt(f64x2.abs(product), LEAST)
  w.leaveIf(v128.anyTrue(v128.andnot(isSmall, f64x2.eq(product, zero128))))
}

const packedDouble =
  (name: Name, fused: boolean): ExactTest =>
  (w, ...operands) => {
    const isSum = name === 'add' || name === 'sub'
    const [x, y, result] = plainAndSure<V128>(w, operands, {
      name,
      lanes: 'pd',
      ops: f64x2,
      isOdd: (values) => i32.eqz(areUsual(w, values)),
      also: isSum ? undefined : (values) => wantError(w, factorsOf(name, ...values)[2]),
    })
    if (isSum) return areExactSums('pd', x, name === 'sub' ? f64x2.neg(y) : y, result)
    const lane = (v: V128, n: number): F64 => w.let(f64x2.extract(v, n) as Expr<'f64'>)
    return fused
      ? areExactProducts(factorsOf(name, x, y, result))
      : bothLanes((n) => isExactDouble(w, name, lane(x, n), lane(y, n), lane(result, n)))
  }

const scalarDouble =
  (name: Name, fused: boolean): ExactTest =>
  (w, ...operands) => {
    const [x, y] = operands.map((v) => f64x2.splat(f64x2.extract(v, 0)))
    return packedDouble(name, fused)(w, x, y)
  }

/** Two singles have an exact product as doubles. */
const scalarSingle =
  (name: Name): ExactTest =>
  (w, ...operands) => {
    const singles = operands.map((v) => f32x4.extract(v, 0))
    const [x, y, result] = plainAndSure<F32>(w, [singles[0], singles[1]], {
      name,
      lanes: 'ss',
      ops: f32,
      isOdd: FLOAT_TESTS.ss.anyUnsure,
    })
    if (name === 'add' || name === 'sub') return isExactSum(x, name === 'sub' ? f32.neg(y) : y, result)
    const [p, q, r] = [x, y, result].map(f64.promote)
    if (name === 'mul') return isSameSingle(f64.mul(p, q), result)
    return name === 'div' ? isSameSingle(f64.mul(r, q), x) : isSameSingle(f64.mul(r, r), y)
  }

/** Of singles, as doubles. */
function areExactSingles(name: Name, [x, y, result]: readonly [V128, V128, V128]): I32 {
  const [first, factor, product] = factorsOf(name, x, y, result).map(halvesOf)
  return bothLanes((half) => areEqual('pd', f64x2.mul(first[half], factor[half]), product[half]))
}

const packedSingle =
  (name: Name): ExactTest =>
  (w, ...operands) => {
    const [x, y, result] = plainAndSure<V128>(w, operands, {
      name,
      lanes: 'ps',
      ops: f32x4,
      isOdd: FLOAT_TESTS.ps.anyUnsure,
    })
    if (name === 'add' || name === 'sub') return areExactSums('ps', x, name === 'sub' ? f32x4.neg(y) : y, result)
    return areExactSingles(name, [x, y, result])
  }

/** By mnemonic. @param fused whether there is a multiplication and addition that rounds once (wasm/fused.ts) */
export const exactArithmetic = (fused: boolean): readonly (readonly [string, ExactTest])[] =>
  NAMES.flatMap((name) => [
    [`${name}ss`, scalarSingle(name)] as const,
    [`${name}sd`, scalarDouble(name, fused)] as const,
    [`${name}ps`, packedSingle(name)] as const,
    [`${name}pd`, packedDouble(name, fused)] as const,
  ])
