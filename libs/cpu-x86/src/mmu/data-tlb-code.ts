import { TLB } from '../state/layout.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i32 } from '../wasm/ops.ts'

/** Where a data TLB has an address, if it has it, from its start. */
export function dataOffset(va: I64): I32 {
  const offset = i32.shr_u(i32.wrap(va), i32.const(12 - Math.log2(TLB.ENTRY)))
  return i32.and(offset, i32.const((TLB.ENTRIES - 1) * TLB.ENTRY))
}

/** As `dataOffset`, in the data TLB at `bank`. */
export const dataEntry = (bank: I32, va: I64): I32 => i32.add(bank, dataOffset(va))
