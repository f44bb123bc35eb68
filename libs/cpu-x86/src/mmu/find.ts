import { Locals, parameter } from '../builder/locals.ts'
import { CODE_TABLE, CPU, LOST, REGION, XTLB } from '../state/layout.ts'
import { Code, STORE32, STORE64 } from '../wasm/code.ts'
import { Expr, type I32 } from '../wasm/expr.ts'
import type { FunctionBody } from '../wasm/module.ts'
import { i32, i64, select } from '../wasm/ops.ts'
import { executeEntry, executeIndexCode, executeTag, recordIn } from './execute-tlb-code.ts'
import { emitUse, isListed } from './use-code.ts'
import { emitWalk, notCanonical } from './walk-code.ts'

/**
 * (vCPU, address) -> record of the instruction there, or 0 where TypeScript has to look: nothing is translated there yet, or it may not
 * be executed. Virtual address -> execute TLB, filled from the page tables where it has no entry -> code table of the frame:
 * translations are never found by virtual address alone.
 */
export const findFunction = (): FunctionBody => lookUpFunction('leave')

/**
 * (vCPU, page) -> 1 if the execute TLB has the page now, else 0: as `find` but that it leaves no trace of an access that is none. A page
 * that was not accessed yet is not there.
 */
export const peekFunction = (): FunctionBody => lookUpFunction('refuse')

function lookUpFunction(traces: 'leave' | 'refuse'): FunctionBody {
  const code = new Code(512)
  const [cpu, rip] = [parameter('i32', 0), parameter('i64', 1)]
  const locals = new Locals(2)
  const xtlb = locals.named('i32')
  const table = locals.named('i32')
  const [host, slot] = [locals.named('i32'), locals.named('i32')]
  const [entry, allowed, noExecute] = [locals.named('i64'), locals.named('i64'), locals.named('i64')]
  const tag = executeTag(cpu, rip)
  const fail = (when: I32) => {
    code.if(when, false)
    code.return(i32.const(0))
    code.end()
  }
  code.setLocal(xtlb.op, executeEntry(cpu, rip))
  code.if(i64.ne(tag, i64.load(xtlb, XTLB.TAG)), false)
  fail(notCanonical(rip))
  emitWalk(code, cpu, rip, { host, slot, entry, allowed, noExecute }, 'execute', fail, traces)
  const place = i32.shl(i32.shr_u(host, i32.const(12)), i32.const(2))
  code.setLocal(table.op, i32.load(i32.add(i32.load(cpu, CPU.CODE_TABLES), place)))
  fail(i32.eqz(table))
  fail(i32.ne(i32.load(table, CODE_TABLE.MODE), i32.load(cpu, CPU.COMPAT)))
  const used = i32.add(
    cpu,
    select(i32.load(cpu, CPU.USER), i32.const(REGION.XUSED_USER), i32.const(REGION.XUSED_KERNEL)),
  )
  code.if(isListed(i64.load(xtlb, XTLB.TAG), tag))
  emitUse(code, used, slot, executeIndexCode(rip))
  code.end()
  code.if(i64.ne(i64.load(xtlb, XTLB.TAG), i64.const(-1)))
  lose(code, cpu, slot, executeIndexCode(rip))
  code.end()
  code.store(STORE64[8], xtlb, tag, XTLB.TAG)
  code.store(STORE32, xtlb, table, XTLB.CODE_TABLE)
  code.store(STORE32, xtlb, host, XTLB.HOST)
  code.end()
  code.return(traces === 'leave' ? recordIn(xtlb, rip) : i32.const(1))
  code.u8(0x00)
  code.end()
  return { signature: { params: ['i32', 'i64'], results: ['i32'] }, locals: locals.types, code }
}

/** A page loses its entry to another: see LOST. `at` is a local. */
function lose(code: Code, cpu: I32, at: I32, index: I32): void {
  const lost = select(i32.load(cpu, CPU.USER), i32.const(REGION.LOST_USER), i32.const(REGION.LOST_KERNEL))
  code.setLocal(at.op, i32.add(cpu, lost))
  code.store(STORE32, at, i32.const(1), LOST.ANY)
  code.setLocal(at.op, i32.add(at, i32.shl(i32.shr_u(index, i32.const(5)), i32.const(2))))
  const bit = i32.shl(i32.const(1), i32.and(index, i32.const(31)))
  code.store(STORE32, at, i32.or(i32.load(at, LOST.BITS), bit), LOST.BITS)
}

/** (vCPU) -> record at RIP, as `find` whose index is given, with PAGE_VA set; or 0. */
export function lookupFunction(find: number): FunctionBody {
  const code = new Code(64)
  const cpu = parameter('i32', 0)
  const locals = new Locals(1)
  const rec = locals.named('i32')
  code.setLocal(rec.op, new Expr('i32', 'call', find, [cpu, i64.load(cpu, CPU.RIP)]))
  code.if(rec)
  code.store(STORE64[8], cpu, i64.and(i64.load(cpu, CPU.RIP), i64.const(-4096)), CPU.PAGE_VA)
  code.end()
  code.return(rec)
  code.end()
  return { name: 'lookup', signature: { params: ['i32'], results: ['i32'] }, locals: locals.types, code }
}
