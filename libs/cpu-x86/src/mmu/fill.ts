import { Locals, parameter } from '../builder/locals.ts'
import { CPU, PAGE_CACHE, REGION, TLB } from '../state/layout.ts'
import { Code, STORE32, STORE64 } from '../wasm/code.ts'
import { Expr, type I32, type I64 } from '../wasm/expr.ts'
import type { FunctionBody } from '../wasm/module.ts'
import { i32, i64, select } from '../wasm/ops.ts'
import { dataEntry } from './data-tlb-code.ts'
import { emitUse, isListed } from './use-code.ts'
import { emitWalk, notCanonical } from './walk-code.ts'

/** A power of 2. */
const COPY_BYTES = 64

/** First address of the machine-to-physical table (xen-x86_64.h HYPERVISOR_VIRT_START). */
export const M2P_START = 0xffff800000000000n

/**
 * In what `fill` is given, above the size: what is read from two pages may be a copy, of at most 64 bytes, good until the instruction
 * ends; or an access is to be to one page, as whoever asks goes by how far that reaches.
 */
export const [MAY_COPY, WITHIN_PAGE] = [1 << 14, 1 << 15] as const
/** What is below these. */
export const SIZE_AND_WRITE: number = MAY_COPY - 1

/** The size, of what `fill` is given. */
export const sizeOf = (info: I32): I32 => i32.shr_u(i32.and(info, i32.const(SIZE_AND_WRITE)), i32.const(1))

/**
 * (vCPU, address, size << 1 | write) -> host address, or 0 where the slow step has to look: the access is to two pages whose frames do not
 * follow each other in the memory (but see MAY_COPY and WITHIN_PAGE), is not allowed, meets an absent or watched frame: then it leaves
 * address, size and write in ADDRESS and MISS. Fills the TLB.
 * @param self its index
 */
export function fillFunction(self: number): FunctionBody {
  const code = new Code(1024)
  const [cpu, va, info] = [parameter('i32', 0), parameter('i64', 1), parameter('i32', 2)]
  const locals = new Locals(3)
  const write = locals.named('i32')
  const host = locals.named('i32')
  const slot = locals.named('i32')
  const entry = locals.named('i64')
  const allowed = locals.named('i64')
  const noExecute = locals.named('i64')
  const tlb = locals.named('i32')
  const set = (local: Expr, value: Expr) => code.setLocal(local.op, value)
  code.block()
  const failed = code.depth
  const fail = (when: I32) => code.brIf(failed, when, false)
  set(write, i32.and(info, i32.const(1)))
  const offset = i32.and(i32.wrap(va), i32.const(4095))
  const size = sizeOf(info)
  code.if(i32.gt_u(i32.add(offset, size), i32.const(4096)), false)
  fail(i32.and(info, i32.const(WITHIN_PAGE)))
  const oneByte = i32.or(i32.const(1 << 1), write)
  set(host, new Expr('i32', 'call', self, [cpu, va, oneByte]))
  fail(i32.eqz(host))
  const last = i64.add(va, i64.extend_i32_u(i32.sub(size, i32.const(1))))
  set(slot, new Expr('i32', 'call', self, [cpu, last, oneByte]))
  fail(i32.eqz(slot))
  set(slot, i32.and(slot, i32.const(-4096)))
  const end = i32.add(i32.and(host, i32.const(-4096)), i32.const(4096))
  code.if(i32.eq(slot, end))
  code.return(host)
  code.end()
  fail(i32.eqz(i32.and(info, i32.const(MAY_COPY))))
  code.return(joined(code, cpu, { host, end, slot, size, at: tlb }))
  code.end()
  fail(notCanonical(va))

  code.if(i64.lt_u(i64.sub(va, i64.const(M2P_START)), i64.load32_u(cpu, CPU.M2P_BYTES)))
  fail(i32.or(write, i32.eqz(i32.load(cpu, CPU.M2P_BYTES))))
  set(host, i32.add(i32.load(cpu, CPU.M2P), i32.wrap(i64.sub(va, i64.const(M2P_START)))))
  set(host, i32.sub(host, offset))
  code.else()
  emitWalk(code, cpu, va, { host, slot, entry, allowed, noExecute }, write, fail)
  code.end()

  const page = i64.and(va, i64.const(-4096))
  set(tlb, dataEntry(i32.load(cpu, CPU.TLB), va))
  const addend = i32.sub(host, i32.wrap(page))
  code.if(i64.ne(i64.load(tlb, TLB.READ_TAG), page))
  const used = i32.add(cpu, select(i32.load(cpu, CPU.USER), i32.const(REGION.USED_USER), i32.const(REGION.USED_KERNEL)))
  code.if(i64.ne(i64.load(tlb, TLB.READ_TAG), i64.const(-1)))
  forgetEntry(code, i32.load(cpu, CPU.TLB), tlb, entry)
  code.end()
  code.if(isListed(i64.load(tlb, TLB.READ_TAG), page))
  emitUse(code, used, slot, i32.and(i32.shr_u(i32.wrap(va), i32.const(12)), i32.const(TLB.ENTRIES - 1)))
  code.end()
  code.store(STORE64[8], tlb, page, TLB.READ_TAG)
  code.store(STORE64[8], tlb, i64.const(-1), TLB.WRITE_TAG)
  code.store(STORE64[8], tlb, i64.const(0), TLB.CACHED)
  code.else()
  code.if(i32.ne(i32.load(tlb, TLB.ADDEND), addend), false)
  forgetPages(code, cpu)
  code.end()
  code.end()
  code.if(write)
  code.store(STORE64[8], tlb, page, TLB.WRITE_TAG)
  code.end()
  code.store(STORE32, tlb, addend, TLB.ADDEND)
  code.return(i32.add(host, offset))
  code.end()
  code.store(STORE64[8], cpu, va, CPU.ADDRESS)
  code.store(STORE32, cpu, i32.and(info, i32.const(SIZE_AND_WRITE)), CPU.MISS)
  code.return(i32.const(0))
  code.end()
  return {
    name: 'fill',
    signature: { params: ['i32', 'i64', 'i32'], results: ['i32'] },
    locals: locals.types,
    code,
  }
}

interface TwoPages {
  readonly host: I32
  /** Of its page, and start of the other. */
  readonly end: I32
  readonly slot: I32
  readonly size: I32
  /** A local. */
  readonly at: I32
}

/** Where bytes of two pages are copied to: the bounce buffer has room for those of some operands. */
function joined(code: Code, cpu: I32, { host, end, slot, size, at }: TwoPages): I32 {
  const next = i32.load(cpu, CPU.BOUNCED)
  const room = i32.const(CPU.BOUNCE_BYTES - COPY_BYTES)
  code.setLocal(at.op, i32.add(i32.add(cpu, i32.const(CPU.BOUNCE)), i32.and(next, room)))
  code.store(STORE32, cpu, i32.add(next, i32.const(COPY_BYTES)), CPU.BOUNCED)
  const first = i32.sub(end, host)
  code.copy(at, host, first)
  code.copy(i32.add(at, first), slot, i32.sub(size, first))
  return at
}

/** An entry of the TLB at `bank` goes: so does what the page cache has of it. `left` is a local. */
export function forgetEntry(code: Code, bank: I32, tlb: I32, left: I64): void {
  code.setLocal(left.op, i64.load(tlb, TLB.CACHED))
  code.block()
  const none = code.depth
  code.loop()
  const next = code.depth
  code.brIf(none, i64.eqz(left))
  const cached = i32.shl(i32.wrap(i64.ctz(left)), i32.const(Math.log2(PAGE_CACHE.ENTRY)))
  code.store(STORE64[8], i32.add(bank, cached), i64.const(-1), PAGE_CACHE.AT + PAGE_CACHE.TAG)
  code.setLocal(left.op, i64.and(left, i64.sub(left, i64.const(1))))
  code.br(next)
  code.end()
  code.end()
}

/** An entry of the TLB leads elsewhere: all of its page cache goes. */
function forgetPages(code: Code, cpu: I32): void {
  const pages = i32.add(i32.load(cpu, CPU.TLB), i32.const(PAGE_CACHE.AT))
  code.fill(pages, i32.const(0xff), i32.const(PAGE_CACHE.BYTES))
}
