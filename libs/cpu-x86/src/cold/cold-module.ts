import { Locals, parameter } from '../builder/locals.ts'
import { executeEntry, executeTag, recordIn } from '../mmu/execute-tlb-code.ts'
import { fillFunction } from '../mmu/fill.ts'
import { findFunction } from '../mmu/find.ts'
import { CPU, JUMPS, REGION, XTLB } from '../state/layout.ts'
import { Code, STORE32, STORE32_16, STORE64 } from '../wasm/code.ts'
import { Expr, type I32, type I64 } from '../wasm/expr.ts'
import { assemble, type FunctionBody } from '../wasm/module.ts'
import { i32, i64, select } from '../wasm/ops.ts'
import { FAULT_ENTRY, SYSCALL_ENTRY } from './entries.ts'
import { entered, entry, hasMissed, missed, notRetired } from './entry-code.ts'
import type { Form } from './forms.ts'
import { BODY, BODY_IMPORTS, FUNCTION, HELPER_INDEX } from './functions.ts'
import { LoopBuilder, type LoopLocals } from './loop-builder.ts'
import { DUMMY_RECORD, loadFlags, retired, storeFlags } from './loop-state.ts'
import { EXIT, HANDLER, HANDLER_MASK, HEAD_OF_REGION, REC } from './record.ts'
import { currentGeneration } from './returns.ts'

/**
 * The cold tier: one function that runs decoded records by a `br_table` in a loop, with the walker and the finder beside it.
 * Exports `run(vCPU) -> EXIT`, `fill`, `lookup` and `missing`, which fills empty places of the table.
 */
export function coldModule(forms: readonly Form[]): Uint8Array<ArrayBuffer> {
  const missing = new Code(8)
  missing.return(i32.const(EXIT.NEED_FORM))
  missing.end()
  return assemble({
    imports: [...BODY_IMPORTS, ['syscall', SYSCALL_ENTRY], ['fault', FAULT_ENTRY]],
    table: true,
    indirect: [BODY],
    functions: [
      fillFunction(),
      findFunction(),
      lookupFunction(),
      { name: 'missing', signature: BODY, locals: [], code: missing },
      loopFunction(forms),
    ],
  })
}

/** (vCPU) -> record at RIP, as `find`, with PAGE_VA set; or 0. */
function lookupFunction(): FunctionBody {
  const code = new Code(64)
  const cpu = parameter('i32', 0)
  const locals = new Locals(1)
  const rec = locals.named('i32')
  code.setLocal(rec.op, find(cpu, i64.load(cpu, CPU.RIP)))
  code.if(rec)
  code.store(STORE64[8], cpu, i64.and(i64.load(cpu, CPU.RIP), i64.const(-4096)), CPU.PAGE_VA)
  code.end()
  code.return(rec)
  code.end()
  return { name: 'lookup', signature: { params: ['i32'], results: ['i32'] }, locals: locals.types, code }
}

function loopFunction(forms: readonly Form[]): FunctionBody {
  const code = new Code(1 << 18)
  const cpu = parameter('i32', 0)
  const locals = new Locals(1)
  const at: LoopLocals = {
    rec: locals.named('i32'),
    start: locals.named('i32'),
    count: locals.named('i32'),
    tlb: locals.named('i32'),
    mask: locals.named('i32'),
    exit: locals.named('i32'),
    next: locals.named('i32'),
    link: locals.named('i32'),
    target: locals.named('i64'),
    pageVa: locals.named('i64'),
    flags: { fz: locals.named('i64'), fs: locals.named('i64'), fc: locals.named('i64') },
  }
  const dummy = i32.add(cpu, i32.const(DUMMY_RECORD))
  const b = new LoopBuilder(code, locals, cpu, at, HELPER_INDEX, FUNCTION.FILL, dummy)
  enter(code, cpu, at)
  code.block()
  const exit = code.depth
  code.loop()
  const loop = code.depth
  code.block()
  const taken = code.depth
  code.block()
  const found = code.depth
  code.block()
  const slow = code.depth
  code.block()
  const miss = code.depth
  code.block()
  b.labels = { exit, loop, taken, found, slow, miss, syscall: code.depth }
  handlers(code, b, at, cpu, forms)
  code.end()
  entry(code, cpu, at, b, new Expr('i32', 'call', FUNCTION.SYSCALL, [cpu]), 1)
  b.leave(EXIT.TRAP)
  code.end()
  entry(code, cpu, at, b, missed(cpu), 2)
  b.leave(EXIT.MISS)
  code.end()
  slowJump(code, cpu, at, b)
  code.end()
  arrive(code, cpu, at)
  code.end()
  takenJump(code, cpu, at, b)
  code.br(loop)
  code.end()
  code.u8(0x00)
  code.end()
  leave(code, cpu, at)
  code.end()
  return { name: 'run', signature: { params: ['i32'], results: ['i32'] }, locals: locals.types, code }
}

function enter(code: Code, cpu: I32, at: LoopLocals): void {
  code.setLocal(at.rec.op, i32.load(cpu, CPU.REC))
  code.setLocal(at.start.op, at.rec)
  code.setLocal(at.count.op, i32.load(cpu, CPU.COUNT))
  code.setLocal(at.tlb.op, i32.load(cpu, CPU.TLB))
  code.setLocal(at.mask.op, i32.load(cpu, CPU.HANDLER_MASK))
  code.setLocal(at.pageVa.op, i64.load(cpu, CPU.PAGE_VA))
  loadFlags(code, cpu, at)
}

function leave(code: Code, cpu: I32, at: LoopLocals): void {
  code.store(STORE32, cpu, i32.add(at.count, retired(at)), CPU.COUNT)
  code.store(STORE32, cpu, at.rec, CPU.REC)
  storeFlags(code, cpu, at)
  code.return(at.exit)
}

/** The dispatch and all bodies: handler n follows the end of the n-th innermost block. */
function handlers(code: Code, b: LoopBuilder, at: LoopLocals, cpu: I32, forms: readonly Form[]): void {
  const count = HANDLER.FIRST_FORM + forms.length
  for (let n = 0; n < count; n++) code.block()
  code.expr(i32.and(i32.load16_u(at.rec, REC.HANDLER), at.mask))
  code.u8(0x0e)
  code.u32(count)
  for (let n = 0; n < count; n++) code.u32(n)
  // Above all handlers: the head of a region.
  code.u32(HANDLER.REGION)
  for (let n = 0; n < count; n++) {
    code.end()
    if (n >= HANDLER.FIRST_FORM) b.emit(forms[n - HANDLER.FIRST_FORM].exemplar)
    else special(code, b, at, cpu, n)
  }
}

function special(code: Code, b: LoopBuilder, at: LoopLocals, cpu: I32, handler: number): void {
  switch (handler) {
    case HANDLER.CONTINUE:
      b.continueOn()
      break
    case HANDLER.OUT_OF_LINE:
    case HANDLER.REGION:
      storeFlags(code, cpu, at)
      if (handler === HANDLER.REGION) {
        code.setLocal(at.count.op, i32.add(at.count, retired(at)))
        code.setLocal(at.link.op, i32.load(at.rec, REC.FORM))
        code.loop()
        code.store(STORE32, cpu, at.count, CPU.COUNT)
      }
      code.store(STORE32, cpu, i32.const(0), CPU.MISS)
      for (const e of [cpu, at.rec, handler === HANDLER.REGION ? at.link : i32.load(at.rec, REC.FORM)]) code.expr(e)
      code.u8(0x11)
      code.u32(0)
      code.u8(0)
      code.u8(0x21)
      code.u32(at.exit.op)
      if (handler === HANDLER.REGION) {
        nextRegion(code, at, cpu)
        loadFlags(code, cpu, at)
        afterRegion(code, b, at, cpu)
        break
      }
      loadFlags(code, cpu, at)
      code.if(at.exit, false)
      code.brIf(b.labels.miss, hasMissed(cpu, at))
      code.br(b.labels.exit)
      code.end()
      b.finish()
      break
    case HANDLER.CROSSING:
      crossing(code, b, at, cpu)
      break
    default:
      code.store(STORE32, cpu, i32.load(at.rec, REC.IMM), CPU.VECTOR)
      code.store(STORE32, cpu, i32.sub(i32.shr_u(i32.load(cpu, CPU.VECTOR), i32.const(8)), i32.const(1)), CPU.ERROR)
      code.store(STORE32, cpu, i32.and(i32.load(cpu, CPU.VECTOR), i32.const(255)), CPU.VECTOR)
      b.leave(EXIT.FAULT)
  }
}

const find = (cpu: I32, rip: I64): I32 => new Expr('i32', 'call', FUNCTION.FIND, [cpu, rip])

/** Checks the execute TLB for the next page before the instruction that reaches into it. */
function crossing(code: Code, b: LoopBuilder, at: LoopLocals, cpu: I32): void {
  const next = i64.add(at.pageVa, i64.const(4096))
  const entry = b.let(executeEntry(cpu, next))
  const tag = b.let(executeTag(cpu, next))
  code.if(i64.ne(i64.load(entry, XTLB.TAG), tag), false)
  code.drop(find(cpu, next))
  code.end()
  const sameFrame = i32.eq(i32.load(entry, XTLB.HOST), i32.load(at.rec, REC.TARGET))
  code.if(i32.and(i64.eq(i64.load(entry, XTLB.TAG), tag), sameFrame), true)
  code.setLocal(at.start.op, i32.add(at.start, i32.const(REC.BYTES)))
  b.finish()
  code.end()
  b.leave(EXIT.CROSSING)
}

/** Whether a record's handler is a region now. */
function runsRegion(rec: I32, { mask }: LoopLocals): I32 {
  const handler = i32.and(i32.load16_u(rec, REC.HANDLER), mask)
  return i32.or(i32.ge_u(handler, i32.const(HEAD_OF_REGION)), i32.eq(handler, i32.const(HANDLER.REGION)))
}

/** The end of a loop in which one region after another is run, with flags in memory, while that is all there is to do. */
function nextRegion(code: Code, at: LoopLocals, cpu: I32): void {
  const { target, next, pageVa } = at
  const loop = code.depth
  code.setLocal(at.count.op, i32.load(cpu, CPU.COUNT))
  code.if(i32.and(i32.eqz(at.exit), i32.lt_s(at.count, i32.load(cpu, CPU.LIMIT))), true)
  const leave = code.depth
  code.setLocal(target.op, i64.load(cpu, CPU.RIP))
  const hash = i64.xor(target, i64.shr_u(target, i64.const(11)))
  const index = i32.shl(i32.and(i32.wrap(hash), i32.const(JUMPS.ENTRIES - 1)), i32.const(5))
  const known = at.start
  code.setLocal(known.op, i32.add(i32.add(cpu, i32.const(REGION.JUMPS)), index))
  const generation = currentGeneration(cpu)
  code.block()
  const there = code.depth
  const isKnown = i32.and(
    i64.eq(i64.load(known, JUMPS.RIP), target),
    i32.eq(i32.load(known, JUMPS.GENERATION), generation),
  )
  // All of them are, where any region is run.
  code.brIf(there, i32.and(isKnown, i32.eq(at.mask, i32.const(HANDLER_MASK.REGIONS))), true)
  code.setLocal(next.op, executeEntry(cpu, target))
  code.block()
  const other = code.depth
  code.brIf(other, i64.ne(executeTag(cpu, target), i64.load(next, XTLB.TAG)))
  code.setLocal(next.op, recordIn(next, target))
  code.brIf(other, i32.eqz(next))
  code.brIf(other, i32.eqz(runsRegion(next, at)))
  code.store(STORE64[8], known, target, JUMPS.RIP)
  code.store(STORE32, known, generation, JUMPS.GENERATION)
  code.store(STORE32, known, i32.load(next, REC.FORM), JUMPS.SLOT)
  code.store(STORE32, known, next, JUMPS.REC)
  code.br(there)
  code.end()
  code.br(leave)
  code.end()
  code.setLocal(at.link.op, i32.load(known, JUMPS.SLOT))
  code.setLocal(at.rec.op, i32.load(known, JUMPS.REC))
  code.setLocal(pageVa.op, i64.and(target, i64.const(-4096)))
  code.store(STORE64[8], cpu, pageVa, CPU.PAGE_VA)
  code.br(loop)
  code.end()
  code.end()
}

/** A region leaves the count and an address in RIP: to go on at, or the place of its other exits. The head's record is not retired. */
function afterRegion(code: Code, b: LoopBuilder, at: LoopLocals, cpu: I32): void {
  code.if(at.exit)
  code.if(hasMissed(cpu, at))
  code.setLocal(at.next.op, missed(cpu))
  code.if(at.next)
  entered(code, cpu, at)
  code.setLocal(at.start.op, i32.add(at.rec, notRetired(at, 2)))
  code.br(b.labels.slow)
  code.end()
  code.end()
  const there = i32.eq(at.exit, i32.const(EXIT.NEED_FORM))
  code.setLocal(at.rec.op, select(there, at.rec, i32.const(0)))
  code.setLocal(at.start.op, at.rec)
  code.br(b.labels.exit)
  code.end()
  code.setLocal(at.start.op, i32.add(at.rec, i32.const(REC.BYTES)))
  code.setLocal(at.link.op, i32.add(cpu, i32.const(DUMMY_RECORD)))
  code.setLocal(at.target.op, i64.load(cpu, CPU.RIP))
  code.br(b.labels.slow)
}

/** A jump by address: find the record, or leave with RIP set and the jump retired. A fault of the fetch is jumped on from. */
function slowJump(code: Code, cpu: I32, at: LoopLocals, b: LoopBuilder): void {
  const { next, target } = at
  code.loop()
  const again = code.depth
  // As `find` begins, which is called for the rest.
  code.setLocal(next.op, executeEntry(cpu, target))
  code.if(i64.eq(executeTag(cpu, target), i64.load(next, XTLB.TAG)), true)
  code.setLocal(next.op, recordIn(next, target))
  code.else()
  code.setLocal(next.op, find(cpu, target))
  code.end()
  code.if(i32.eqz(next), false)
  code.setLocal(at.count.op, i32.add(at.count, i32.add(retired(at), i32.const(1))))
  code.setLocal(at.rec.op, i32.const(0))
  code.setLocal(at.start.op, i32.const(0))
  code.store(STORE64[8], cpu, target, CPU.RIP)
  code.if(i32.lt_s(at.count, i32.load(cpu, CPU.LIMIT)))
  storeFlags(code, cpu, at)
  code.store(STORE32, cpu, at.count, CPU.COUNT)
  code.if(new Expr('i32', 'call', FUNCTION.FAULT, [cpu, target, i32.const(0)]))
  entered(code, cpu, at)
  // It is not retired.
  code.setLocal(at.start.op, i32.const(REC.BYTES))
  code.br(again)
  code.end()
  code.end()
  b.leave(EXIT.LOOKUP)
  code.end()
  code.end()
}

/** At `next`, the record of `target`. */
function arrive(code: Code, cpu: I32, { next, target, pageVa, link }: LoopLocals): void {
  const page = i64.and(target, i64.const(-4096))
  code.if(i64.eq(page, pageVa))
  code.store(STORE32, link, next, REC.TARGET)
  code.else()
  code.setLocal(pageVa.op, page)
  code.store(STORE64[8], cpu, pageVa, CPU.PAGE_VA)
  code.end()
}

/** A jump to record `next`: retire the run with its jump, go on there unless the limit is reached or the place has become hot. */
function takenJump(code: Code, cpu: I32, at: LoopLocals, b: LoopBuilder): void {
  code.setLocal(at.count.op, i32.add(at.count, i32.add(retired(at), i32.const(1))))
  code.setLocal(at.rec.op, at.next)
  code.setLocal(at.start.op, at.next)
  code.if(i32.ge_s(at.count, i32.load(cpu, CPU.LIMIT)), false)
  b.leave(EXIT.LIMIT)
  code.end()
  code.setLocal(at.next.op, i32.load16_u(at.rec, REC.HOT))
  code.if(at.next)
  code.store(STORE32_16, at.rec, i32.sub(at.next, i32.const(1)), REC.HOT)
  code.if(i32.eq(at.next, i32.const(1)), false)
  b.leave(EXIT.HOT)
  code.end()
  code.end()
}
