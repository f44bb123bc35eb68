/** min max cmp comis ucomis of numbers that are plain: nothing is raised. */
import { STORE_F32, STORE_F64 } from '../builder/float-tests.ts'
import { STORE_V128, STORE32, STORE64 } from '../wasm/code.ts'
import type { Expr, F64, I32, V128 } from '../wasm/expr.ts'
import { f32, f32x4, f64, f64x2, i32, i64, i64x2, select, v128 } from '../wasm/ops.ts'
import { wantPlain } from './exact-arithmetic.ts'
import type { Front, FrontWriter } from './sse-front.ts'

type Lanes = 'ss' | 'sd' | 'ps' | 'pd'

/** Both operands, plain. */
function operandsOf(w: FrontWriter, lanes: Lanes): readonly [Expr, Expr] {
  const load = { ss: f32.load, sd: f64.load, ps: v128.load, pd: v128.load }[lanes] as (at: I32) => F64
  const [x, y] = [w.let(load(w.target)), w.let(load(w.source))]
  wantPlain(w, lanes, x)
  wantPlain(w, lanes, y)
  return [x, y]
}

const STORES = { ss: STORE_F32, sd: STORE_F64, ps: STORE_V128, pd: STORE_V128 } as const

const extreme =
  (isMinimum: boolean, lanes: Lanes): Front =>
  (w) => {
    const [x, y] = operandsOf(w, lanes)
    let result: Expr
    if (lanes === 'ps' || lanes === 'pd') {
      const ops = lanes === 'ps' ? f32x4 : f64x2
      result = isMinimum ? ops.pmin(y as V128, x as V128) : ops.pmax(y as V128, x as V128)
    } else {
      const ops = (lanes === 'ss' ? f32 : f64) as typeof f64
      result = select(isMinimum ? ops.lt(x as F64, y as F64) : ops.gt(x as F64, y as F64), x, y)
    }
    w.code.store(STORES[lanes], w.target, result)
    w.finish()
  }

/** Nothing but MXCSR is the library's; nobody wants its flags. */
const flags =
  (lanes: 'ss' | 'sd'): Front =>
  (w) => {
    operandsOf(w, lanes)
    w.finish()
  }

/** Minus one if the bit for the predicate is set, else zero. */
const bitOf = (table: number, count: I32): I32 =>
  i32.sub(i32.const(0), i32.and(i32.shr_u(i32.const(table), i32.and(count, i32.const(3))), i32.const(1)))

/** Predicates: equal, less, less or equal, never (unordered); bit 2 negates. */
const mask =
  (lanes: Lanes): Front =>
  (w) => {
    const [x, y] = operandsOf(w, lanes)
    const ofEqual = bitOf(0b0101, w.imm)
    const ofLess = bitOf(0b0110, w.imm)
    const negated = i32.sub(i32.const(0), i32.and(i32.shr_u(w.imm, i32.const(2)), i32.const(1)))
    if (lanes === 'ss' || lanes === 'sd') {
      const ops = (lanes === 'ss' ? f32 : f64) as typeof f64
      const lane = (condition: I32): I32 => i32.sub(i32.const(0), condition)
      const equal = i32.and(lane(ops.eq(x as F64, y as F64)), ofEqual)
      const less = i32.and(lane(ops.lt(x as F64, y as F64)), ofLess)
      const result = i32.xor(i32.or(equal, less), negated)
      if (lanes === 'ss') w.code.store(STORE32, w.target, result)
      else w.code.store(STORE64[8], w.target, i64.extend_i32_s(result))
    } else {
      const ops = lanes === 'ps' ? f32x4 : f64x2
      const everywhere = (bits: I32): V128 => i64x2.splat(i64.extend_i32_s(bits))
      const equal = v128.and(ops.eq(x as V128, y as V128), everywhere(ofEqual))
      const less = v128.and(ops.lt(x as V128, y as V128), everywhere(ofLess))
      w.code.store(STORE_V128, w.target, v128.xor(v128.or(equal, less), everywhere(negated)))
    }
    w.finish()
  }

const ALL: readonly Lanes[] = ['ss', 'sd', 'ps', 'pd']

export const FRONT_COMPARISONS: readonly (readonly [string, Front])[] = [
  ...ALL.flatMap((lanes): readonly (readonly [string, Front])[] => [
    [`min${lanes}`, extreme(true, lanes)],
    [`max${lanes}`, extreme(false, lanes)],
    [`cmp${lanes}`, mask(lanes)],
  ]),
  ['comiss', flags('ss')],
  ['comisd', flags('sd')],
  ['ucomiss', flags('ss')],
  ['ucomisd', flags('sd')],
]
