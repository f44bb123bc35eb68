import { CPU } from '../state/layout.ts'
import { type Code, STORE32, STORE64 } from '../wasm/code.ts'
import { Expr, type I32 } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'
import { FUNCTION } from './functions.ts'
import type { LoopBuilder, LoopLocals } from './loop-builder.ts'
import { DUMMY_RECORD, loadFlags, retired, storeFlags } from './loop-state.ts'
import { EXIT, REC } from './record.ts'
import { addressOf } from './record-builder.ts'

/** Whether a function was left as `fill` found no frame. */
export const hasMissed = (cpu: I32, at: LoopLocals): I32 =>
  i32.and(i32.eq(at.exit, i32.const(EXIT.MISS)), i32.ne(i32.load(cpu, CPU.MISS), i32.const(0)))

/** Calls Entries.fault for what `fill` did not find. */
export const missed = (cpu: I32): I32 =>
  new Expr('i32', 'call', FUNCTION.FAULT, [cpu, i64.load(cpu, CPU.ADDRESS), i32.load(cpu, CPU.MISS)])

/** After an answer in `next`: what `start` is to be moved on by, where that says that the instruction is not retired. */
export const notRetired = (at: LoopLocals, retires: 1 | 2): I32 =>
  i32.shl(i32.sub(i32.const(retires), at.next), i32.const(REC.SHIFT))

/** Goes on where one of Entries says, by an answer of which `retires` has the instruction retired; falls through at 0. */
export function entry(code: Code, cpu: I32, at: LoopLocals, b: LoopBuilder, call: I32, retires: 1 | 2): void {
  storeFlags(code, cpu, at)
  code.store(STORE32, cpu, i32.add(at.count, retired(at)), CPU.COUNT)
  code.store(STORE64[8], cpu, addressOf(at.rec, at.pageVa), CPU.RIP)
  code.setLocal(at.next.op, call)
  code.if(at.next)
  entered(code, cpu, at)
  code.setLocal(at.start.op, i32.add(at.start, notRetired(at, retires)))
  code.br(b.labels.slow)
  code.end()
}

/** An entry was taken: what the loop holds is loaded anew, and RIP is jumped to. */
export function entered(code: Code, cpu: I32, at: LoopLocals): void {
  loadFlags(code, cpu, at)
  code.setLocal(at.tlb.op, i32.load(cpu, CPU.TLB))
  code.setLocal(at.link.op, i32.add(cpu, i32.const(DUMMY_RECORD)))
  code.setLocal(at.target.op, i64.load(cpu, CPU.RIP))
}
