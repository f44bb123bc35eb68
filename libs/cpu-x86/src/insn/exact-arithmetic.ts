/** add sub mul div sqrt, packed and scalar: whether WebAssembly's result is the processor's, and exact. */
import { FLOAT_TESTS, type FloatLanes, type FloatValue, isZero } from '../builder/float-tests.ts'
import type { Expr, F32, F64, I32, V128 } from '../wasm/expr.ts'
import { f32, f32x4, f64, f64x2, i32, v128 } from '../wasm/ops.ts'
import type { DoubtWriter } from './doubt-writer.ts'
import {
  areEqual,
  bothLanes,
  errorOfSum,
  halvesOf,
  isExactProduct,
  isExactQuotient,
  isSameSingle,
  type TestWriter,
} from './exactness.ts'
import { lanes as constants, zero128 } from './sse-operands.ts'

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

/** Whether one double is exact; not of a sum. */
function isExactDouble(w: TestWriter, name: Name, x: F64, y: F64, result: F64): I32 {
  if (name === 'mul') return isExactProduct(w, x, y)
  return name === 'div' ? isExactQuotient(w, x, y, result) : isExactQuotient(w, y, result, result)
}

type Operations<T extends FloatValue> = Readonly<Record<Exclude<Name, 'sqrt'>, (x: T, y: T) => T>> & { sqrt(x: T): T }

/** Both operands (a root has one) and WebAssembly's result, which is what may be left to it. */
function plainAndSure<T extends FloatValue>(
  w: DoubtWriter,
  name: Name,
  lanes: FloatLanes,
  operands: readonly [T, T],
  ops: Operations<T>,
): readonly [T, T, T] {
  const bind = (value: T): T => w.let(value as Expr) as T
  const y = bind(operands[1])
  const x = name === 'sqrt' ? y : bind(operands[0])
  const result = bind(name === 'sqrt' ? ops.sqrt(y) : ops[name](x, y))
  // What is sure is plain too.
  w.code.if(FLOAT_TESTS[lanes].anyUnsure(name === 'sqrt' ? [y, result] : [x, y, result]))
  wantPlain(w, lanes, y)
  if (name !== 'sqrt') wantPlain(w, lanes, x)
  wantSure(w, name, lanes, [x, y, result])
  w.code.end()
  return [x, y, result]
}

const scalarDouble =
  (name: Name): ExactTest =>
  (w, ...operands) => {
    const [p, q] = operands.map((v) => f64x2.extract(v, 0))
    const [x, y, result] = plainAndSure<F64>(w, name, 'sd', [p, q], f64)
    if (name === 'add' || name === 'sub') {
      const error = errorOfSum(w, f64, [x, name === 'sub' ? f64.neg(y) : y, result])
      w.leaveIf(i32.eqz(f64.lt(f64.abs(error), f64.const(Number.POSITIVE_INFINITY))))
      return f64.eq(error, f64.const(0))
    }
    return isExactDouble(w, name, x, y, result)
  }

/** Two singles have an exact product as doubles. */
const scalarSingle =
  (name: Name): ExactTest =>
  (w, ...operands) => {
    const singles = operands.map((v) => f32x4.extract(v, 0))
    const [x, y, result] = plainAndSure<F32>(w, name, 'ss', [singles[0], singles[1]], f32)
    if (name === 'add' || name === 'sub') {
      const error = errorOfSum(w, f32, [x, name === 'sub' ? f32.neg(y) : y, result])
      w.leaveIf(i32.eqz(f32.lt(f32.abs(error), f32.const(Number.POSITIVE_INFINITY))))
      return f32.eq(error, f32.const(0))
    }
    const [p, q, r] = [x, y, result].map(f64.promote)
    if (name === 'mul') return isSameSingle(f64.mul(p, q), result)
    return name === 'div' ? isSameSingle(f64.mul(r, q), x) : isSameSingle(f64.mul(r, r), y)
  }

const INFINITIES = { ps: constants(32, 0x7f800000), pd: constants(64, 0x7ff0000000000000n) } as const

/** Leaves to the library what overflowed. */
function isExactSum(w: DoubtWriter, lanes: 'ps' | 'pd', operands: readonly [V128, V128, V128]): I32 {
  const ops = lanes === 'ps' ? f32x4 : f64x2
  const error = errorOfSum(w, ops, operands)
  w.leaveIf(v128.anyTrue(v128.not(ops.lt(ops.abs(error), INFINITIES[lanes]))))
  return areEqual(lanes, error, zero128)
}

/** Of singles, as doubles. */
function areExactSingles(name: Name, [x, y, result]: readonly [V128, V128, V128]): I32 {
  const [first, factor, product] = { mul: [x, y, result], div: [result, y, x], sqrt: [result, result, y] }[
    name as 'mul' | 'div' | 'sqrt'
  ].map(halvesOf)
  return bothLanes((half) => areEqual('pd', f64x2.mul(first[half], factor[half]), product[half]))
}

const packed =
  (name: Name, lanes: 'ps' | 'pd'): ExactTest =>
  (w, ...operands) => {
    const ops = lanes === 'ps' ? f32x4 : f64x2
    const [x, y, result] = plainAndSure<V128>(w, name, lanes, operands, ops)
    const lane = (v: V128, n: number): F64 => w.let(f64x2.extract(v, n) as Expr<'f64'>)
    if (name === 'add' || name === 'sub') return isExactSum(w, lanes, [x, name === 'sub' ? ops.neg(y) : y, result])
    return lanes === 'ps'
      ? areExactSingles(name, [x, y, result])
      : bothLanes((n) => isExactDouble(w, name, lane(x, n), lane(y, n), lane(result, n)))
  }

/** By mnemonic. */
export const EXACT_ARITHMETIC: readonly (readonly [string, ExactTest])[] = NAMES.flatMap((name) => [
  [`${name}ss`, scalarSingle(name)] as const,
  [`${name}sd`, scalarDouble(name)] as const,
  [`${name}ps`, packed(name, 'ps')] as const,
  [`${name}pd`, packed(name, 'pd')] as const,
])
