import { Locals, parameter } from '../builder/locals.ts'
import { FUNCTION } from '../cold/functions.ts'
import { executeEntry, executeTag } from '../mmu/execute-tlb-code.ts'
import { CODE_TABLE, CPU, XTLB } from '../state/layout.ts'
import { Code } from '../wasm/code.ts'
import { Expr, type I32 } from '../wasm/expr.ts'
import type { FunctionBody } from '../wasm/module.ts'
import { i32, i64, select } from '../wasm/ops.ts'
import { REGION_PLACE } from './code-pages.ts'

const { PAGE, PAGES, POINTER, COUNT, USER } = REGION_PLACE

/**
 * (vCPU, record of a region's head, its address) -> 1 if the pages around that the region was made from are the same now, and it is of
 * the vCPU's mode, else 0. The page of the head is the same.
 */
export function pagesFunction(): FunctionBody {
  const code = new Code(256)
  const [cpu, rec, rip] = [parameter('i32', 0), parameter('i32', 1), parameter('i64', 2)]
  const locals = new Locals(3)
  const [at, left, entry] = [locals.named('i32'), locals.named('i32'), locals.named('i32')]
  const [va, mask] = [locals.named('i64'), locals.named('i64')]
  const fail = (when: I32): void => {
    code.if(when, false)
    code.return(i32.const(0))
    code.end()
  }
  code.setLocal(at.op, i32.load(rec, POINTER))
  fail(i32.ne(i32.load(at, USER), i32.load(cpu, CPU.USER)))
  code.setLocal(left.op, i32.load(at, COUNT))
  code.setLocal(mask.op, select(i32.load(cpu, CPU.COMPAT), i64.const(0xfffff000), i64.const(-4096)))
  code.block()
  const done = code.depth
  code.loop()
  const loop = code.depth
  code.brIf(done, i32.eqz(left))
  const distance = i64.shl(i64.load32_s(at, PAGES + PAGE.DELTA), i64.const(12))
  code.setLocal(va.op, i64.and(i64.add(rip, distance), mask))
  code.setLocal(entry.op, executeEntry(cpu, va))
  code.if(i64.ne(i64.load(entry, XTLB.TAG), executeTag(cpu, va)), false)
  fail(i32.eqz(new Expr('i32', 'call', FUNCTION.PEEK, [cpu, va])))
  code.end()
  const version = i32.load(i32.load(entry, XTLB.CODE_TABLE), CODE_TABLE.VERSION)
  fail(i32.ne(version, i32.load(at, PAGES + PAGE.VERSION)))
  code.setLocal(at.op, i32.add(at, i32.const(PAGE.BYTES)))
  code.setLocal(left.op, i32.sub(left, i32.const(1)))
  code.br(loop)
  code.end()
  code.end()
  code.return(i32.const(1))
  code.end()
  return { signature: { params: ['i32', 'i32', 'i64'], results: ['i32'] }, locals: locals.types, code }
}
