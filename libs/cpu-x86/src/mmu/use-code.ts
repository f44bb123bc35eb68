import { USED } from '../state/layout.ts'
import { type Code, STORE32, STORE32_16 } from '../wasm/code.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'

/** Whether an entry whose tag is `before` is to go in the list as it gets `tag`: it was empty, or of the upper half and is not any more. */
export const isListed = (before: I64, tag: I64): I32 =>
  i32.or(i64.eq(before, i64.const(-1)), i32.and(i64.lt_s(before, i64.const(0)), i64.ge_s(tag, i64.const(0))))

/** Puts an entry in the list at `used`. As `TlbBank.use`; `scratch` is a local. */
export function emitUse(code: Code, used: I32, scratch: I32, index: I32): void {
  code.setLocal(scratch.op, used)
  const count = i32.load(scratch, USED.COUNT)
  code.if(i32.le_s(count, i32.const(USED.MOST)))
  code.if(i32.lt_s(count, i32.const(USED.MOST)))
  code.store(STORE32_16, i32.add(scratch, i32.shl(count, i32.const(1))), index, USED.LIST)
  code.end()
  code.store(STORE32, scratch, i32.add(count, i32.const(1)), USED.COUNT)
  code.end()
}
