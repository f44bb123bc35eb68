import { Locals, parameter } from '../builder/locals.ts'
import { CPU, PAGE_CACHE, TLB } from '../state/layout.ts'
import { Code, STORE32, STORE64 } from '../wasm/code.ts'
import { Expr } from '../wasm/expr.ts'
import type { FunctionBody } from '../wasm/module.ts'
import { i32, i64 } from '../wasm/ops.ts'
import { dataEntry } from './data-tlb-code.ts'
import { sizeOf } from './fill.ts'

/** In what `open` is given, above what `fill` is: the entry of the page cache. */
export const OPENED_ENTRY = 16

/**
 * (vCPU, address, entry of the page cache << OPENED_ENTRY | size << 1 | write) -> 1 with the page in that entry, or 0 as `fill` says. A
 * function, as each access of a region would have to have it otherwise.
 */
export function openFunction(fill: number): FunctionBody {
  const code = new Code(256)
  const [cpu, va, info] = [parameter('i32', 0), parameter('i64', 1), parameter('i32', 2)]
  const locals = new Locals(3)
  const [tlb, cached, entry] = [locals.named('i32'), locals.named('i32'), locals.named('i32')]
  const tag = locals.named('i64')
  const banks = i32.load(cpu, CPU.TLB)
  const asked = i32.and(info, i32.const((1 << OPENED_ENTRY) - 1))
  const size = i64.extend_i32_u(sizeOf(info))
  code.setLocal(entry.op, i32.shr_u(info, i32.const(OPENED_ENTRY)))
  code.setLocal(tlb.op, dataEntry(banks, va))
  const ways = i32.add(tlb, i32.shl(i32.and(info, i32.const(1)), i32.const(Math.log2(TLB.WRITE_TAG - TLB.READ_TAG))))
  code.setLocal(cached.op, ways)
  code.setLocal(tag.op, i64.load(cached, TLB.READ_TAG))
  const last = i64.sub(i64.add(va, size), i64.const(1))
  code.if(i64.ne(i64.and(last, i64.const(-4096)), tag), false)
  code.if(i32.eqz(new Expr('i32', 'call', fill, [cpu, va, asked])), false)
  code.return(i32.const(0))
  code.end()
  code.setLocal(tag.op, i64.load(cached, TLB.READ_TAG))
  code.end()
  const bit = i64.shl(i64.const(1), i64.extend_i32_u(entry))
  code.store(STORE64[8], tlb, i64.or(i64.load(tlb, TLB.CACHED), bit), TLB.CACHED)
  code.setLocal(cached.op, i32.add(banks, i32.shl(entry, i32.const(Math.log2(PAGE_CACHE.ENTRY)))))
  code.store(STORE64[8], cached, tag, PAGE_CACHE.AT + PAGE_CACHE.TAG)
  code.store(STORE32, cached, i32.load(tlb, TLB.ADDEND), PAGE_CACHE.AT + PAGE_CACHE.ADDEND)
  code.return(i32.const(1))
  code.end()
  return {
    name: 'open',
    signature: { params: ['i32', 'i64', 'i32'], results: ['i32'] },
    locals: locals.types,
    code,
  }
}
