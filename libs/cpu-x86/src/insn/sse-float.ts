/** Arithmetic: add sub mul div sqrt, packed and scalar, and what SSE3 adds. */
import type { Place } from '../builder/builder.ts'
import { FLOAT_TESTS, isZero } from '../builder/float-tests.ts'
import type { Expr, F32, F64, I32, V128 } from '../wasm/expr.ts'
import { f32, f32x4, f64, f64x2, i32, i64, i64x2, v128 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import { sseOpId } from './sse-op-ids.ts'
import { lanes, zero128 } from './sse-operands.ts'

/** When a result of zero is exact. */
type Kind =
  /** Always. */
  | 'sum'
  /** If an operand is zero. */
  | 'product'
  /** If the first operand is zero. */
  | 'quotient'
  /** One operand: if it is zero. */
  | 'root'

/** By what is done in each lane. */
const KINDS = { add: 'sum', sub: 'sum', mul: 'product', div: 'quotient', sqrt: 'root' } as const satisfies Record<
  string,
  Kind
>
type Stem = keyof typeof KINDS

interface Operation {
  readonly stem: Stem
  readonly code: number
  readonly single: (x: F32, y: F32) => F32
  readonly double: (x: F64, y: F64) => F64
  readonly singles: (x: V128, y: V128) => V128
  readonly doubles: (x: V128, y: V128) => V128
}

const operations: readonly Operation[] = [
  { stem: 'add', code: 0x58, single: f32.add, double: f64.add, singles: f32x4.add, doubles: f64x2.add },
  {
    stem: 'mul',
    code: 0x59,
    single: f32.mul,
    double: f64.mul,
    singles: f32x4.mul,
    doubles: f64x2.mul,
  },
  { stem: 'sub', code: 0x5c, single: f32.sub, double: f64.sub, singles: f32x4.sub, doubles: f64x2.sub },
  {
    stem: 'div',
    code: 0x5e,
    single: f32.div,
    double: f64.div,
    singles: f32x4.div,
    doubles: f64x2.div,
  },
  {
    stem: 'sqrt',
    code: 0x51,
    single: (_, y) => f32.sqrt(y),
    double: (_, y) => f64.sqrt(y),
    singles: (_, y) => f32x4.sqrt(y),
    doubles: (_, y) => f64x2.sqrt(y),
  },
]

type Scalar = F32 | F64

const either = (a: I32, b: I32): I32 => i32.or(a, b)

/** Whether a result of zero, from plain operands, is exact. */
function exactZero(kind: Kind, x: Scalar, y: Scalar): I32 | undefined {
  if (kind === 'product') return either(isZero(x), isZero(y))
  return kind === 'sum' ? undefined : isZero(kind === 'root' ? y : x)
}

function scalar<T extends 'f32' | 'f64'>(
  stem: Stem,
  type: T,
  compute: (x: Expr<T>, y: Expr<T>) => Expr<T>,
): Definition {
  const kind: Kind = KINDS[stem]
  const lanes = type === 'f64' ? 'sd' : 'ss'
  const operation = sseOpId(stem + lanes)
  return (b) => {
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    const read = (place: Place): Expr<T> => (type === 'f64' ? b.double(place) : b.single(place)) as Expr<T>
    const y = read(source)
    const x = kind === 'root' ? y : read(target)
    const result = b.variable(type)
    b.set(result, compute(x, y))
    const second = { place: source, value: y as Scalar }
    const zero = isZero(result as Scalar)
    const exact = exactZero(kind, x as Scalar, y as Scalar)
    b.arithmetic({
      operation,
      lanes,
      operands: kind === 'root' ? [second] : [{ place: target, value: x as Scalar }, second],
      target,
      source,
      result,
      suspects: [FLOAT_TESTS[lanes].unsure(result as Scalar, b.limit(lanes))],
      excused: exact ? i32.and(zero, exact) : zero,
      exact: { operation, x: x as Scalar, y: y as Scalar },
      keep: () => (type === 'f64' ? b.putDouble(target, result as F64) : b.putSingle(target, result as F32)),
      plain: lanes,
    })
  }
}

function packed(
  name: string,
  /** What is done with the lanes that `arrange` brings together. */
  stem: Stem,
  lanes: 'ps' | 'pd',
  compute: (x: V128, y: V128) => V128,
  arrange: (x: V128, y: V128) => readonly [V128, V128] = (x, y) => [x, y],
): Definition {
  const kind: Kind = KINDS[stem]
  const operation = sseOpId(name)
  const exact = sseOpId(stem + lanes)
  const tests = FLOAT_TESTS[lanes]
  const equal = lanes === 'ps' ? f32x4.eq : f64x2.eq
  const isZero = (v: V128): V128 => equal(v, zero128)
  return (b) => {
    const source = b.openAligned(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    const second = b.get128(source)
    const first = kind === 'root' ? second : b.get128(target)
    const [p, q] = kind === 'root' ? [second, second] : arrange(first, second)
    const x = b.let(p)
    const y = b.let(q)
    const result = b.variable('v128')
    b.set(result, compute(x, y))
    const zero = { sum: undefined, product: v128.or(isZero(x), isZero(y)), quotient: isZero(x), root: isZero(y) }[kind]
    const limit = b.limit(lanes)
    b.arithmetic({
      operation,
      lanes,
      operands: [{ place: source, value: second }, ...(kind === 'root' ? [] : [{ place: target, value: first }])],
      target,
      source,
      result,
      unusual: i32.eqz(limit),
      suspects: [tests.unsure(result, limit)],
      excused: tests.only(result, zero ? v128.and(isZero(result), zero) : isZero(result)),
      exact: { operation: exact, x, y },
      keep: () => b.put128(target, result),
      plain: lanes,
    })
  }
}

function arithmeticRows({ stem, code, single, double, singles, doubles }: Operation): readonly Row[] {
  const row = (end: string, prefix: Row['prefix'], operands: string, def: Definition): Row => {
    return { name: stem + end, map: 1, code, prefix, operands, def }
  }
  return [
    row('ps', 'np', 'Vx Wx', packed(`${stem}ps`, stem, 'ps', singles)),
    row('pd', '66', 'Vx Wx', packed(`${stem}pd`, stem, 'pd', doubles)),
    row('ss', 'f3', 'Vd Wd', scalar(stem, 'f32', single)),
    row('sd', 'f2', 'Vq Wq', scalar(stem, 'f64', double)),
  ]
}

type Pair = readonly [V128, V128]
const evenDoubles: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]
const evenSingles: readonly number[] = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]

/** The even lanes of both vectors, and the odd ones. */
const neighbours =
  (even: readonly number[], bytes: number) =>
  (x: V128, y: V128): Pair => {
    const odd = even.map((n) => n + bytes)
    return [v128.shuffle(x, y, even), v128.shuffle(x, y, odd)]
  }
/** The sign of the even lanes changed: then a sum subtracts there. */
const negatedEven =
  (signs: V128) =>
  (x: V128, y: V128): Pair => [x, v128.xor(y, signs)]

const singlePairs = neighbours(evenSingles, 4)
const doublePairs = neighbours(evenDoubles, 8)
const pni = { map: 1, operands: 'Vx Wx', feature: 'sse3' } as const
const pniRows: readonly Row[] = [
  {
    name: 'haddps',
    code: 0x7c,
    prefix: 'f2',
    ...pni,
    def: packed('haddps', 'add', 'ps', f32x4.add, singlePairs),
  },
  {
    name: 'haddpd',
    code: 0x7c,
    prefix: '66',
    ...pni,
    def: packed('haddpd', 'add', 'pd', f64x2.add, doublePairs),
  },
  {
    name: 'hsubps',
    code: 0x7d,
    prefix: 'f2',
    ...pni,
    def: packed('hsubps', 'sub', 'ps', f32x4.sub, singlePairs),
  },
  {
    name: 'hsubpd',
    code: 0x7d,
    prefix: '66',
    ...pni,
    def: packed('hsubpd', 'sub', 'pd', f64x2.sub, doublePairs),
  },
  {
    name: 'addsubps',
    code: 0xd0,
    prefix: 'f2',
    ...pni,
    def: packed('addsubps', 'add', 'ps', f32x4.add, negatedEven(lanes(64, 0x80000000n))),
  },
  {
    name: 'addsubpd',
    code: 0xd0,
    prefix: '66',
    ...pni,
    def: packed('addsubpd', 'add', 'pd', f64x2.add, negatedEven(i64x2.replace(zero128, 0, i64.const(1n << 63n)))),
  },
]

export const rows: readonly Row[] = [...operations.flatMap(arithmeticRows), ...pniRows]
