import { DOMID_SELF } from '@paravane/core/abi'
import { CPU } from '../../state/layout.ts'
import type { I32 } from '../../wasm/expr.ts'
import { i32, i64 } from '../../wasm/ops.ts'
import type { EntryBuilder } from './entry-builder.ts'
import { bank } from './state-code.ts'
import { failIfDue } from './state-hypercalls.ts'

const [RDX, RSI, RDI, R10] = [2, 6, 7, 10]
/** Hypercall arguments are not read from there (handleOkay of core). */
const [LOWER_HALF_END, XEN_END] = [1n << 47n, 0xffff_8800_0000_0000n]

/**
 * Host address of the rows of HYPERVISOR_mmu_update or mmuext_op, and how many there are. Fails where there are more than `most`, not all
 * in one page, where it is to be said how many were done, for another domain, or where an event is due.
 */
export function batchArguments(
  b: EntryBuilder,
  rowBytes: number,
  most: number,
): { readonly at: I32; readonly count: I32 } {
  failIfDue(b)
  const count = b.let(b.i32(CPU.GPR + RSI * 8))
  b.failIf(i32.ge_u(i32.sub(count, i32.const(1)), i32.const(most)))
  b.failIf(i64.ne(b.gpr(RDX), i64.const(0)))
  b.failIf(i32.ne(b.i32(CPU.GPR + R10 * 8), i32.const(DOMID_SELF)))
  const first = b.let(b.gpr(RDI))
  b.failIf(i32.and(i64.ge_u(first, i64.const(LOWER_HALF_END)), i64.lt_u(first, i64.const(XEN_END))))
  const offset = i32.and(i32.wrap(first), i32.const(4095))
  b.failIf(i32.gt_u(i32.add(offset, i32.mul(count, i32.const(rowBytes))), i32.const(4096)))
  const at = b.open(bank(b, 'kernel'), first, rowBytes, false)
  b.failIf(i32.eqz(at))
  return { at, count }
}
