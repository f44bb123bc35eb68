import { MMUEXT_INVLPG_LOCAL } from '@paravane/core/abi'
import { dataEntry } from '../../mmu/data-tlb-code.ts'
import { executeIndexCode } from '../../mmu/execute-tlb-code.ts'
import { forgetEntry } from '../../mmu/fill.ts'
import { LOST, REGION, TLB, XTLB } from '../../state/layout.ts'
import { STORE64 } from '../../wasm/code.ts'
import type { I64 } from '../../wasm/expr.ts'
import type { FunctionBody } from '../../wasm/module.ts'
import { i32, i64 } from '../../wasm/ops.ts'
import { MMUEXT_OP_BYTES } from '../mmu/mmuext-op.ts'
import { batchArguments } from './batch-arguments.ts'
import { EntryBuilder } from './entry-builder.ts'
import { bank } from './state-code.ts'
import { emitDone } from './state-hypercalls.ts'

/** Of struct mmuext_op. */
const ARG1 = 8
const MODES = [
  { execute: REGION.XTLB_KERNEL, lost: REGION.LOST_KERNEL },
  { execute: REGION.XTLB_USER, lost: REGION.LOST_USER },
] as const

/** (vCPU) -> 1 if HYPERVISOR_mmuext_op was done: one INVLPG_LOCAL, as `flushPage`, of a page that no code was run through. */
export function mmuextOp(): FunctionBody {
  const b = new EntryBuilder()
  const { at } = batchArguments(b, MMUEXT_OP_BYTES, 1)
  b.failIf(i32.ne(i32.load(at), i32.const(MMUEXT_INVLPG_LOCAL)))
  const page = b.let(i64.and(i64.load(at, ARG1), i64.const(-4096)))
  for (const mode of MODES) failIfRun(b, page, mode)
  const left = b.variable('i64')
  for (const mode of ['kernel', 'user'] as const) {
    const entry = b.let(dataEntry(bank(b, mode), page))
    b.if(i64.eq(i64.load(entry, TLB.READ_TAG), page), () => {
      forgetEntry(b.code, bank(b, mode), entry, left)
      b.code.store(STORE64[8], entry, i64.const(-1), TLB.READ_TAG)
      b.code.store(STORE64[8], entry, i64.const(-1), TLB.WRITE_TAG)
    })
  }
  emitDone(b)
  return b.done()
}

/** Fails where the execute TLB has the page, for code of either kind, or had it (LOST). */
function failIfRun(b: EntryBuilder, page: I64, { execute, lost }: (typeof MODES)[number]): void {
  const index = b.let(executeIndexCode(page))
  const entry = i32.add(b.cpu, i32.shl(index, i32.const(Math.log2(XTLB.ENTRY))))
  b.failIf(i64.eq(i64.and(i64.load(entry, execute + XTLB.TAG), i64.const(-4096)), page))
  const bits = i32.add(b.cpu, i32.shl(i32.shr_u(index, i32.const(5)), i32.const(2)))
  const bit = i32.shl(i32.const(1), i32.and(index, i32.const(31)))
  b.failIf(i32.and(i32.load(bits, lost + LOST.BITS), bit))
}
