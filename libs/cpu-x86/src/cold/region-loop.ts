import { REGION_PLACE } from '../jit/code-pages.ts'
import { leaveCall } from '../jit/sites.ts'
import { executeEntry, executeTag, recordIn } from '../mmu/execute-tlb-code.ts'
import { CPU, JUMPS, REGION, XTLB } from '../state/layout.ts'
import { type Code, STORE32, STORE64 } from '../wasm/code.ts'
import { Expr, type I32 } from '../wasm/expr.ts'
import { i32, i64, select } from '../wasm/ops.ts'
import { entered, hasMissed, missed } from './entry-code.ts'
import { callBody, FUNCTION } from './functions.ts'
import type { LoopBuilder, LoopLocals } from './loop-builder.ts'
import { DUMMY_RECORD, loadFlags, retired, storeFlags } from './loop-state.ts'
import { outOfLine } from './out-of-line.ts'
import { EXIT, HANDLER, HANDLER_MASK, HEAD_OF_REGION, REC } from './record.ts'
import { addressOf } from './record-builder.ts'
import { currentGeneration } from './returns.ts'

/** Times that a region was left as accesses are apart, a power of 2, between which nobody is told. */
export const OFTEN = 4096

/** Place in the table of the region that starts at a record. */
const slotOf = (rec: I32): I32 => i32.load(i32.load(rec, REGION_PLACE.POINTER), REGION_PLACE.SLOT)

/** Runs the region at the record, and what is a region behind it. */
export function regionHandler(code: Code, b: LoopBuilder, at: LoopLocals, cpu: I32): void {
  storeFlags(code, cpu, at)
  code.setLocal(at.count.op, i32.add(at.count, retired(at)))
  code.store(STORE32, cpu, at.count, CPU.COUNT)
  code.setLocal(at.target.op, addressOf(at.rec, at.pageVa))
  code.loop()
  const again = code.depth
  runRegions(code, at, cpu)
  wholeState(code, at, cpu)
  enterKernel(code, at, cpu, again)
  code.end()
  apart(code, b, at, cpu)
  afterRegion(code, b, at, cpu)
}

/** Whether a record's handler is a region now. */
function runsRegion(rec: I32, { mask }: LoopLocals): I32 {
  const handler = i32.and(i32.load16_u(rec, REC.HANDLER), mask)
  return i32.or(i32.ge_u(handler, i32.const(HEAD_OF_REGION)), i32.eq(handler, i32.const(HANDLER.REGION)))
}

/**
 * Runs one region after another from `target` on, with flags in memory, while that is all there is to do. A region's pages are looked at
 * where JUMPS does not know it: as long as nothing is taken from the execute TLB they stay what they were when it was made.
 */
function runRegions(code: Code, at: LoopLocals, cpu: I32): void {
  const { target, next } = at
  const known = at.start
  code.setLocal(at.exit.op, i32.const(EXIT.DONE))
  code.block()
  const leave = code.depth
  code.loop()
  const loop = code.depth
  const hash = i64.xor(target, i64.shr_u(target, i64.const(11)))
  const index = i32.shl(i32.and(i32.wrap(hash), i32.const(JUMPS.ENTRIES - 1)), i32.const(Math.log2(JUMPS.ENTRY)))
  code.setLocal(known.op, i32.add(i32.add(cpu, i32.const(REGION.JUMPS)), index))
  const key = i64.or(i64.shl(target, i64.const(16)), i64.extend_i32_u(currentGeneration(cpu)))
  code.block()
  const there = code.depth
  const isKnown = i64.eq(i64.load(known, JUMPS.KEY), key)
  // All of them are, where any region is run.
  code.brIf(there, i32.and(isKnown, i32.eq(at.mask, i32.const(HANDLER_MASK.REGIONS))), true)
  code.setLocal(next.op, executeEntry(cpu, target))
  code.brIf(leave, i64.ne(executeTag(cpu, target), i64.load(next, XTLB.TAG)))
  code.setLocal(next.op, recordIn(next, target))
  code.brIf(leave, i32.eqz(next))
  code.brIf(leave, i32.eqz(runsRegion(next, at)))
  code.if(i32.eqz(new Expr('i32', 'call', FUNCTION.PAGES, [cpu, next, target])), false)
  code.setLocal(at.rec.op, next)
  moveTo(code, at, cpu)
  code.setLocal(at.exit.op, i32.const(EXIT.UNREADY))
  code.br(leave)
  code.end()
  code.store(STORE64[8], known, key, JUMPS.KEY)
  code.store(STORE32, known, slotOf(next), JUMPS.SLOT)
  code.store(STORE32, known, next, JUMPS.REC)
  code.end()
  code.setLocal(at.rec.op, i32.load(known, JUMPS.REC))
  moveTo(code, at, cpu)
  code.store(STORE32, cpu, i32.const(0), CPU.MISS)
  code.store(STORE32, cpu, i32.and(i32.wrap(target), i32.const(0xfff)), CPU.ENTRY)
  callBody(code, cpu, at.rec, i32.load(known, JUMPS.SLOT), at.exit)
  code.setLocal(at.count.op, i32.load(cpu, CPU.COUNT))
  code.setLocal(target.op, i64.load(cpu, CPU.RIP))
  code.brIf(loop, i32.and(i32.eqz(at.exit), i32.lt_s(at.count, i32.load(cpu, CPU.LIMIT))), true)
  code.end()
  code.end()
}

/** The current page is that of `target`. */
function moveTo(code: Code, { target, pageVa }: LoopLocals, cpu: I32): void {
  code.setLocal(pageVa.op, i64.and(target, i64.const(-4096)))
  code.store(STORE64[8], cpu, pageVa, CPU.PAGE_VA)
}

/** The last region may have left its flags in a state of its own, and more than that where it was left in the middle. */
function wholeState(code: Code, at: LoopLocals, cpu: I32): void {
  code.if(i32.eq(at.exit, i32.const(EXIT.SIDE)), false)
  code.setLocal(at.exit.op, leaveCall(FUNCTION.LEAVE, cpu))
  code.setLocal(at.count.op, i32.load(cpu, CPU.COUNT))
  code.else()
  code.if(i32.load(cpu, CPU.FLAG_STATE))
  code.call(FUNCTION.SETTLE, cpu)
  code.end()
  code.end()
  loadFlags(code, cpu, at)
  // One that was entered in another page than its first has set it to that.
  code.store(STORE64[8], cpu, at.pageVa, CPU.PAGE_VA)
}

/** Where the region was left for what Entries do: goes on at `again`, unless the limit is reached; with an address in RIP then. */
function enterKernel(code: Code, at: LoopLocals, cpu: I32, again: number): void {
  const { exit, next, count } = at
  code.if(exit, false)
  code.setLocal(next.op, i32.const(0))
  code.if(i32.eq(exit, i32.const(EXIT.TRAP)))
  // As the answers to a fault are, of which 2 has the instruction retired.
  code.setLocal(next.op, i32.shl(new Expr('i32', 'call', FUNCTION.TRAP, [cpu]), i32.const(1)))
  code.end()
  code.if(hasMissed(cpu, at))
  code.setLocal(next.op, missed(cpu))
  code.end()
  code.if(next)
  code.setLocal(count.op, i32.add(count, i32.sub(next, i32.const(1))))
  code.store(STORE32, cpu, count, CPU.COUNT)
  entered(code, cpu, at)
  code.setLocal(exit.op, i32.const(EXIT.DONE))
  code.brIf(again, i32.lt_s(count, i32.load(cpu, CPU.LIMIT)), true)
  code.end()
  code.end()
}

/**
 * A region's accesses are not in one page: the instruction at RIP is run by its record, and what follows until the next jump. Every so
 * often TypeScript is told.
 */
function apart(code: Code, b: LoopBuilder, at: LoopLocals, cpu: I32): void {
  const { exit, next, target, rec, start, mask, pageVa } = at
  code.if(i32.eq(exit, i32.const(EXIT.APART)), false)
  code.setLocal(target.op, i64.load(cpu, CPU.RIP))
  const place = i32.load(rec, REGION_PLACE.POINTER)
  code.setLocal(next.op, i32.add(i32.load(place, REGION_PLACE.APART), i32.const(1)))
  code.store(STORE32, place, next, REGION_PLACE.APART)
  const isOften = i32.eqz(i32.and(next, i32.const(OFTEN - 1)))
  code.store(STORE32, cpu, rec, CPU.VECTOR)
  code.store(STORE64[8], cpu, addressOf(rec, pageVa), CPU.ADDRESS)
  code.setLocal(rec.op, i32.const(0))
  code.setLocal(start.op, i32.const(0))
  code.brIf(b.labels.exit, isOften, false)
  code.setLocal(exit.op, i32.const(EXIT.LOOKUP))
  code.setLocal(next.op, new Expr('i32', 'call', FUNCTION.FIND, [cpu, target]))
  code.brIf(b.labels.exit, i32.eqz(next), false)
  code.setLocal(rec.op, next)
  code.setLocal(start.op, next)
  moveTo(code, at, cpu)
  code.setLocal(exit.op, i32.const(EXIT.LIMIT))
  code.brIf(b.labels.exit, i32.ge_s(at.count, i32.load(cpu, CPU.LIMIT)), false)
  // Until `takenJump`.
  code.setLocal(mask.op, i32.const(HANDLER_MASK.RECORDS))
  code.if(i32.eq(i32.load16_u(rec, REC.HANDLER), i32.const(HANDLER.REGION)), false)
  outOfLine(code, b, at, cpu, i32.load(i32.load(rec, REGION_PLACE.POINTER), REGION_PLACE.FORM))
  code.end()
  code.br(b.labels.loop)
  code.end()
}

/** A region leaves the count and an address in RIP: to go on at, or the place of its other exits. The head's record is not retired. */
function afterRegion(code: Code, b: LoopBuilder, at: LoopLocals, cpu: I32): void {
  code.if(at.exit)
  const there = i32.or(i32.eq(at.exit, i32.const(EXIT.NEED_FORM)), i32.eq(at.exit, i32.const(EXIT.UNREADY)))
  code.setLocal(at.rec.op, select(there, at.rec, i32.const(0)))
  code.setLocal(at.start.op, at.rec)
  code.br(b.labels.exit)
  code.end()
  code.setLocal(at.start.op, i32.add(at.rec, i32.const(REC.BYTES)))
  code.setLocal(at.link.op, i32.add(cpu, i32.const(DUMMY_RECORD)))
  code.br(b.labels.slow)
}
