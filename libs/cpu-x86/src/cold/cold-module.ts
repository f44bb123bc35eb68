import { Locals, parameter } from '../builder/locals.ts'
import { settleFunction } from '../jit/flag-state.ts'
import { pagesFunction } from '../jit/region-pages.ts'
import { leaveFunction } from '../jit/sites.ts'
import { executeEntry, executeTag, recordIn } from '../mmu/execute-tlb-code.ts'
import { fillFunction } from '../mmu/fill.ts'
import { findFunction, lookupFunction, peekFunction } from '../mmu/find.ts'
import { openFunction } from '../mmu/open.ts'
import { CPU, XTLB } from '../state/layout.ts'
import { Code, STORE32, STORE32_16, STORE64 } from '../wasm/code.ts'
import { Expr, type I32, type I64 } from '../wasm/expr.ts'
import { assemble, type FunctionBody } from '../wasm/module.ts'
import { i32, i64 } from '../wasm/ops.ts'
import { FAULT_ENTRY, TRAP_ENTRY } from './entries.ts'
import { entered, entry, missed } from './entry-code.ts'
import type { Form } from './forms.ts'
import { BODY, BODY_IMPORTS, FUNCTION, HELPER_INDEX } from './functions.ts'
import { LoopBuilder, type LoopLocals } from './loop-builder.ts'
import { DUMMY_RECORD, loadFlags, retired, storeFlags } from './loop-state.ts'
import { outOfLine } from './out-of-line.ts'
import { EXIT, HANDLER, REC } from './record.ts'
import { regionHandler } from './region-loop.ts'

/**
 * The cold tier: one function that runs decoded records by a `br_table` in a loop, with the walker and the finder beside it.
 * Exports `run(vCPU) -> EXIT`, `fill`, `lookup`, for regions `open` and `settle`, and `missing`, which fills empty places of the
 * table.
 */
export function coldModule(forms: readonly Form[]): Uint8Array<ArrayBuffer> {
  const missing = new Code(8)
  missing.return(i32.const(EXIT.NEED_FORM))
  missing.end()
  return assemble({
    imports: [...BODY_IMPORTS, ['trap', TRAP_ENTRY], ['fault', FAULT_ENTRY]],
    table: true,
    indirect: [BODY],
    functions: [
      fillFunction(FUNCTION.FILL),
      findFunction(),
      settleFunction(),
      leaveFunction(FUNCTION.SETTLE),
      peekFunction(),
      pagesFunction(),
      openFunction(FUNCTION.FILL),
      lookupFunction(FUNCTION.FIND),
      { name: 'missing', signature: BODY, locals: [], code: missing },
      loopFunction(forms),
    ],
  })
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
  b.labels = { exit, loop, taken, found, slow, miss, trap: code.depth }
  handlers(code, b, at, cpu, forms)
  code.end()
  entry(code, cpu, at, b, new Expr('i32', 'call', FUNCTION.TRAP, [cpu]), 1)
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
    case HANDLER.REGION:
      regionHandler(code, b, at, cpu)
      break
    case HANDLER.OUT_OF_LINE:
      outOfLine(code, b, at, cpu, i32.load(at.rec, REC.FORM))
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
  code.setLocal(at.mask.op, i32.load(cpu, CPU.HANDLER_MASK))
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
