/** The flags of products. Mostly nobody asks for them: no upper half is computed before somebody does. */
import type { I32 } from '../wasm/expr.ts'
import { i64 } from '../wasm/ops.ts'
import type { FlagChange, PlainChange } from './builder.ts'
import { signExtend } from './flag-bits.ts'
import { isShift, shiftResult } from './shift-flags.ts'
import { type Bind, multiplyHighSigned } from './wide-product.ts'

type Factors = Extract<FlagChange, { kind: 'imul' }>

const unbound: Bind = (x) => x

/** The same change without products and shifts. @param bind for values that are used more than once */
export function plainChange(change: FlagChange, size: number, bind: Bind = unbound): PlainChange {
  if (isShift(change)) return shiftResult(change, size, bind)
  if (change.kind !== 'mul' && change.kind !== 'imul') return change
  const overflow = change.kind === 'mul' ? i64.ne(change.high, i64.const(0)) : signedOverflow(change, size, bind)
  const flag = bind(i64.extend_i32_u(overflow))
  return { kind: 'result', r: i64.const(1), cf: flag, of: flag, af: i64.const(1) }
}

function signedOverflow({ x, y }: Factors, size: number, bind: Bind): I32 {
  const low = bind(i64.mul(x, y))
  if (size < 8) return i64.ne(low, signExtend(low, size))
  return i64.ne(multiplyHighSigned(bind, x, y), i64.shr_s(low, i64.const(63)))
}
