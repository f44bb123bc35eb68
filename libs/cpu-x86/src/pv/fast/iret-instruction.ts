import { FLAT_RING3_CS64, FLAT_RING3_SS64 } from '@paravane/core/abi'
import { notCanonical } from '../../mmu/walk-code.ts'
import { CPU } from '../../state/layout.ts'
import type { I64 } from '../../wasm/expr.ts'
import type { FunctionBody } from '../../wasm/module.ts'
import { i32, i64 } from '../../wasm/ops.ts'
import { CHANGED_BY_IRET } from '../emulate-iret.ts'
import { AC, NT, TF } from '../flags.ts'
import { PV } from '../pv-state.ts'
import { RF } from '../resume-flag.ts'
import { EntryBuilder } from './entry-builder.ts'
import { codeAt } from './instruction-code.ts'
import { CODE64, requireSegment, STACK } from './iret-entry.ts'
import { rflags, setRflags } from './state-code.ts'
import { failIfDue } from './state-hypercalls.ts'

const RSP = 4
/** RIP, CS, RFLAGS, RSP, SS. */
const FRAME_BYTES = 40
/** REX.W and the opcode. */
const IRETQ = 0xcf48

/**
 * (vCPU) -> 1 if iretq itself was done, as `iretInstruction` (emulate-iret.ts) does it: within 64-bit code, where nothing is to be raised
 * there, no flag asks for steps, and no event is due.
 */
export function iretInstructionEntry(): FunctionBody {
  const b = new EntryBuilder()
  failIfDue(b)
  const bytes = codeAt(b, 2)
  b.failIf(i32.ne(i32.load16_u(bytes), i32.const(IRETQ)))
  const before = rflags(b)
  b.failIf(i64.ne(i64.and(before, i64.const(NT)), i64.const(0)))
  const at = b.open(b.let(b.i32(CPU.TLB)), b.let(b.gpr(RSP)), FRAME_BYTES, false)
  b.failIf(i32.eqz(at))
  // Another vCPU may write there meanwhile: each word is read once.
  const word = (n: number): I64 => b.let(i64.load(at, n * 8))
  const [rip, csWord, flags, rsp, ssWord] = [word(0), word(1), word(2), word(3), word(4)]
  b.failIf(notCanonical(rip))
  b.failIf(i64.ne(i64.and(flags, i64.const(TF | NT | AC | RF)), i64.const(0)))
  const [cs, ss] = [csWord, ssWord].map((selector) => b.let(i32.and(i32.wrap(selector), i32.const(0xffff))))
  for (const selector of [cs, ss]) b.failIf(i32.ne(i32.and(selector, i32.const(3)), i32.const(3)))
  requireSegment(b, cs, FLAT_RING3_CS64, CODE64)
  requireSegment(b, ss, FLAT_RING3_SS64, STACK)
  const kept = i64.and(before, i64.const(~CHANGED_BY_IRET))
  setRflags(b, b.let(i64.or(kept, i64.and(flags, i64.const(CHANGED_BY_IRET)))))
  b.setU64(PV.RESUME_AT, i64.const(0))
  b.setGpr(RSP, rsp)
  b.setI32(PV.CS, cs)
  b.setI32(PV.SS, ss)
  b.setU64(CPU.RIP, rip)
  return b.done()
}
