import { executeEntry } from '../../mmu/execute-tlb-code.ts'
import { CPU, XTLB } from '../../state/layout.ts'
import type { I32 } from '../../wasm/expr.ts'
import { i32, i64 } from '../../wasm/ops.ts'
import type { EntryBuilder } from './entry-builder.ts'

/**
 * Host address of the 64-bit instruction at RIP, of `most` bytes at most. Fails where it may be in two pages, or the execute TLB does not
 * know the page, or in compatibility mode.
 */
export function codeAt(b: EntryBuilder, most: number): I32 {
  b.failIf(b.i32(CPU.COMPAT))
  const rip = b.let(b.u64(CPU.RIP))
  const known = b.let(executeEntry(b.cpu, rip))
  b.failIf(i64.ne(i64.load(known, XTLB.TAG), i64.and(rip, i64.const(-4096))))
  const offset = b.let(i32.and(i32.wrap(rip), i32.const(4095)))
  b.failIf(i32.gt_u(offset, i32.const(4096 - most)))
  return b.let(i32.add(i32.load(known, XTLB.HOST), offset))
}
