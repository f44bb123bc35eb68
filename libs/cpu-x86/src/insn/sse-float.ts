/** Arithmetic: add sub mul div sqrt, packed and scalar, and what SSE3 adds. */
import type { F32, F64, I32, I64, V128 } from '../wasm/expr.ts'
import { f32, f32x4, f64, f64x2, i32, i64, i64x2, v128 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import {
  doublesTests,
  doubleTests,
  isUsual,
  none,
  type ScalarTests,
  singlesTests,
  singleTests,
  slowly,
  type VectorTests,
} from './sse-float-exact.ts'
import { lanes, openAligned, zero128 } from './sse-operands.ts'

/** How the operands and the result of an operation tell that no flag but the inexact one arises. */
type Kind =
  /** A finite result of add and sub is exact where it is small or zero. */
  | 'sum'
  /** A result of zero is exact if an operand is zero. */
  | 'product'
  /** A result of zero is exact if the first operand is zero. */
  | 'quotient'
  /** One operand; the root of zero is exact. */
  | 'root'

interface Operation {
  readonly stem: string
  readonly code: number
  readonly kind: Kind
  readonly single: (x: F32, y: F32) => F32
  readonly double: (x: F64, y: F64) => F64
  readonly singles: (x: V128, y: V128) => V128
  readonly doubles: (x: V128, y: V128) => V128
}

const operations: readonly Operation[] = [
  { stem: 'add', code: 0x58, kind: 'sum', single: f32.add, double: f64.add, singles: f32x4.add, doubles: f64x2.add },
  {
    stem: 'mul',
    code: 0x59,
    kind: 'product',
    single: f32.mul,
    double: f64.mul,
    singles: f32x4.mul,
    doubles: f64x2.mul,
  },
  { stem: 'sub', code: 0x5c, kind: 'sum', single: f32.sub, double: f64.sub, singles: f32x4.sub, doubles: f64x2.sub },
  {
    stem: 'div',
    code: 0x5e,
    kind: 'quotient',
    single: f32.div,
    double: f64.div,
    singles: f32x4.div,
    doubles: f64x2.div,
  },
  {
    stem: 'sqrt',
    code: 0x51,
    kind: 'root',
    single: (_, y) => f32.sqrt(y),
    double: (_, y) => f64.sqrt(y),
    singles: (_, y) => f32x4.sqrt(y),
    doubles: (_, y) => f64x2.sqrt(y),
  },
]

const all = (first: I32, ...rest: readonly I32[]): I32 => rest.reduce((a, c) => i32.and(a, c), first)
const either = (first: I32, ...rest: readonly I32[]): I32 => rest.reduce((a, c) => i32.or(a, c), first)

/** The result is right as it is, flags included; `usual` apart. */
function exactScalar<I>(tests: ScalarTests<I>, kind: Kind, x: I, y: I, r: I): I32 {
  const denormal = kind === 'root' ? tests.isDenormal(y) : either(tests.isDenormal(x), tests.isDenormal(y))
  return i32.and(kind === 'sum' ? tests.isFinite(r) : tests.isNormal(r), i32.eqz(denormal))
}

/** An exact zero, which `exactScalar` does not accept because zero may also be an underflow. */
function exactZero<I>(tests: ScalarTests<I>, kind: Kind, x: I, y: I, r: I): I32 {
  if (kind === 'root') return tests.isZero(y)
  if (kind === 'quotient') return all(tests.isZero(x), tests.isNormal(y))
  const zero = either(tests.isZero(x), tests.isZero(y))
  return all(tests.isZero(r), zero, i32.eqz(either(tests.isDenormal(x), tests.isDenormal(y))))
}

function scalar<I extends I32 | I64>(
  name: string,
  kind: Kind,
  tests: ScalarTests<I>,
  fromWord: (bits: I64) => I,
  toWord: (bits: I) => I64,
  compute: (x: I, y: I) => I,
): Definition {
  return (b) => {
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    const bind = (v: I): I => b.let(v as I32) as I
    const y = bind(fromWord(b.get(source)))
    const x = kind === 'root' ? y : bind(fromWord(b.get(target)))
    const r = bind(compute(x, y))
    const usual = b.let(isUsual(b))
    const keep = (): void => b.put(target, toWord(r))
    const slow = (): void => slowly(b, name, target, source)
    b.if(i32.and(usual, exactScalar(tests, kind, x, y, r)), keep, () => {
      if (kind === 'sum') slow()
      else b.if(i32.and(usual, exactZero(tests, kind, x, y, r)), keep, slow)
    })
  }
}

function packed(
  name: string,
  kind: Kind,
  tests: VectorTests,
  compute: (x: V128, y: V128) => V128,
  arrange: (x: V128, y: V128) => readonly [V128, V128] = (x, y) => [x, y],
): Definition {
  return (b) => {
    const source = openAligned(b, b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    const second = b.get128(source)
    const [first, last] = kind === 'root' ? [second, second] : arrange(b.get128(target), second)
    const x = b.let(first)
    const y = b.let(last)
    const r = b.let(compute(x, y))
    const usual = b.let(isUsual(b))
    const denormal = kind === 'root' ? tests.denormal(y) : v128.or(tests.denormal(x), tests.denormal(y))
    const keep = (): void => b.put128(target, r)
    const slow = (): void => slowly(b, name, target, source)
    if (kind === 'sum') {
      b.if(i32.and(usual, none(v128.or(denormal, tests.notFinite(r)))), keep, slow)
      return
    }
    const suspects = b.let(v128.or(denormal, tests.abnormal(r)))
    b.if(i32.and(usual, none(suspects)), keep, () => {
      const zero = kind === 'product' ? v128.or(tests.zero(x), tests.zero(y)) : tests.zero(x)
      const excused = kind === 'quotient' ? v128.andnot(zero, tests.abnormal(y)) : zero
      const rest = v128.or(v128.andnot(suspects, v128.and(excused, tests.zero(r))), denormal)
      b.if(i32.and(usual, none(rest)), keep, slow)
    })
  }
}

const wordOfSingle = (bits: I32): I64 => i64.extend_i32_u(bits)
const same = (bits: I64): I64 => bits

function arithmeticRows({ stem, code, kind, single, double, singles, doubles }: Operation): readonly Row[] {
  const inSingle = (x: I32, y: I32): I32 => i32.reinterpret(single(f32.reinterpret(x), f32.reinterpret(y)))
  const inDouble = (x: I64, y: I64): I64 => i64.reinterpret(double(f64.reinterpret(x), f64.reinterpret(y)))
  const scalars = scalar(`${stem}ss`, kind, singleTests, i32.wrap, wordOfSingle, inSingle)
  return [
    {
      name: `${stem}ps`,
      map: 1,
      code,
      prefix: 'np',
      operands: 'Vx Wx',
      def: packed(`${stem}ps`, kind, singlesTests, singles),
    },
    {
      name: `${stem}pd`,
      map: 1,
      code,
      prefix: '66',
      operands: 'Vx Wx',
      def: packed(`${stem}pd`, kind, doublesTests, doubles),
    },
    { name: `${stem}ss`, map: 1, code, prefix: 'f3', operands: 'Vd Wd', def: scalars },
    {
      name: `${stem}sd`,
      map: 1,
      code,
      prefix: 'f2',
      operands: 'Vq Wq',
      def: scalar(`${stem}sd`, kind, doubleTests, same, same, inDouble),
    },
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
    def: packed('haddps', 'sum', singlesTests, f32x4.add, singlePairs),
  },
  {
    name: 'haddpd',
    code: 0x7c,
    prefix: '66',
    ...pni,
    def: packed('haddpd', 'sum', doublesTests, f64x2.add, doublePairs),
  },
  {
    name: 'hsubps',
    code: 0x7d,
    prefix: 'f2',
    ...pni,
    def: packed('hsubps', 'sum', singlesTests, f32x4.sub, singlePairs),
  },
  {
    name: 'hsubpd',
    code: 0x7d,
    prefix: '66',
    ...pni,
    def: packed('hsubpd', 'sum', doublesTests, f64x2.sub, doublePairs),
  },
  {
    name: 'addsubps',
    code: 0xd0,
    prefix: 'f2',
    ...pni,
    def: packed('addsubps', 'sum', singlesTests, f32x4.add, negatedEven(lanes(64, 0x80000000n))),
  },
  {
    name: 'addsubpd',
    code: 0xd0,
    prefix: '66',
    ...pni,
    def: packed(
      'addsubpd',
      'sum',
      doublesTests,
      f64x2.add,
      negatedEven(i64x2.replace(zero128, 0, i64.const(1n << 63n))),
    ),
  },
]

export const rows: readonly Row[] = [...operations.flatMap(arithmeticRows), ...pniRows]
