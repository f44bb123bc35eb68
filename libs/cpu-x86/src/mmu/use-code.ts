import { USED } from '../state/layout.ts'
import { type Code, STORE32, STORE32_16 } from '../wasm/code.ts'
import type { I32 } from '../wasm/expr.ts'
import { i32 } from '../wasm/ops.ts'

/** An entry of a TLB that was empty is not any more: it goes in the list at `used`. As `TlbBank.use`; `scratch` is a local. */
export function emitUse(code: Code, used: I32, scratch: I32, index: I32, most: number): void {
  code.setLocal(scratch.op, used)
  const count = i32.load(scratch, USED.COUNT)
  code.if(i32.le_s(count, i32.const(most)))
  code.if(i32.lt_s(count, i32.const(most)))
  code.store(STORE32_16, i32.add(scratch, i32.shl(count, i32.const(1))), index, USED.LIST)
  code.end()
  code.store(STORE32, scratch, i32.add(count, i32.const(1)), USED.COUNT)
  code.end()
}
