import { Locals, parameter } from '../builder/locals.ts'
import { CPU, TLB } from '../state/layout.ts'
import { Code, STORE32, STORE64 } from '../wasm/code.ts'
import { Expr, type I32, type I64 } from '../wasm/expr.ts'
import type { FunctionBody } from '../wasm/module.ts'
import { i32, i64, select } from '../wasm/ops.ts'

/** Page table entry bits (SDM vol. 3 table 4-20). */
export const PTE = { P: 1, RW: 2, US: 4, A: 0x20, D: 0x40, NX: 1n << 63n } as const

/** i64.atomic.rmw.or */
const atomicOr = (address: I32, bits: I64): I64 => new Expr('i64', 'atomic', 0xfe0034, [address, bits], 0)

/** First address of the machine-to-physical table (xen-x86_64.h HYPERVISOR_VIRT_START). */
const M2P_START = 0xffff800000000000n

/**
 * (vCPU, address, size << 1 | write) -> host address, or 0 where the slow step has to look: the access crosses a page, is not
 * allowed, meets an absent or watched frame. Walks the page tables of the current root, sets accessed and dirty bits and
 * fills the TLB. In user mode only the leaf's U bit counts: Xen sets it in the upper levels (xen/arch/x86/pv/mm.h adjust_guest_l*e).
 */
export function fillFunction(): FunctionBody {
  const code = new Code(1024)
  const [cpu, va, info] = [parameter('i32', 0), parameter('i64', 1), parameter('i32', 2)]
  const locals = new Locals(3)
  const write = locals.named('i32')
  const host = locals.named('i32')
  const slot = locals.named('i32')
  const entry = locals.named('i64')
  const allowed = locals.named('i64')
  const tlb = locals.named('i32')
  const set = (local: Expr, value: Expr) => code.setLocal(local.op, value)
  const fail = (when: I32) => {
    code.if(when, false)
    code.return(i32.const(0))
    code.end()
  }
  set(write, i32.and(info, i32.const(1)))
  const offset = i32.and(i32.wrap(va), i32.const(4095))
  fail(i32.gt_u(i32.add(offset, i32.shr_u(info, i32.const(1))), i32.const(4096)))
  fail(i64.ne(i64.shr_s(i64.shl(va, i64.const(16)), i64.const(16)), va))

  code.if(i64.lt_u(i64.sub(va, i64.const(M2P_START)), i64.load32_u(cpu, CPU.M2P_BYTES)))
  fail(i32.or(write, i32.eqz(i32.load(cpu, CPU.M2P_BYTES))))
  set(host, i32.add(i32.load(cpu, CPU.M2P), i32.wrap(i64.sub(va, i64.const(M2P_START)))))
  set(host, i32.sub(host, offset))
  code.else()
  set(host, i32.load(cpu, CPU.ROOT))
  set(allowed, i64.const(PTE.RW | PTE.US))
  for (const shift of [39, 30, 21, 12]) {
    const index = i32.and(i32.wrap(i64.shr_u(va, i64.const(shift))), i32.const(511))
    set(slot, i32.add(host, i32.shl(index, i32.const(3))))
    set(entry, i64.load(slot))
    fail(i32.eqz(i32.wrap(i64.and(entry, i64.const(PTE.P)))))
    set(allowed, i64.and(allowed, shift === 12 ? entry : i64.or(entry, i64.const(PTE.US))))
    if (shift === 12) {
      fail(i32.and(write, i32.eqz(i32.wrap(i64.and(allowed, i64.const(PTE.RW))))))
      fail(i32.and(i32.load(cpu, CPU.USER), i32.eqz(i32.wrap(i64.and(allowed, i64.const(PTE.US))))))
    }
    const gmfn = i64.and(i64.shr_u(entry, i64.const(12)), i64.const(0xffffffffff))
    fail(i64.ge_u(gmfn, i64.load32_u(cpu, CPU.NR_GMFNS)))
    set(host, i32.load(i32.add(i32.load(cpu, CPU.PHYSMAP), i32.shl(i32.wrap(gmfn), i32.const(2)))))
    fail(i32.lt_u(host, i32.const(4096)))
    if (shift === 12) {
      const flags = i32.load8_u(i32.add(i32.load(cpu, CPU.FRAME_FLAGS), i32.shr_u(host, i32.const(12))))
      fail(i32.and(write, i32.ne(flags, i32.const(0))))
    }
    const wanted = shift === 12 ? select(write, i64.const(PTE.A | PTE.D), i64.const(PTE.A)) : i64.const(PTE.A)
    code.if(i64.ne(i64.and(entry, wanted), wanted))
    code.drop(atomicOr(slot, wanted))
    code.end()
  }
  code.end()

  const page = i64.and(va, i64.const(-4096))
  set(tlb, i32.add(i32.load(cpu, CPU.TLB), i32.and(i32.shr_u(i32.wrap(va), i32.const(7)), i32.const(0x1ffe0))))
  code.if(i64.ne(i64.load(tlb, TLB.READ_TAG), page))
  code.store(STORE64[8], tlb, page, TLB.READ_TAG)
  code.store(STORE64[8], tlb, i64.const(-1), TLB.WRITE_TAG)
  code.end()
  code.if(write)
  code.store(STORE64[8], tlb, page, TLB.WRITE_TAG)
  code.end()
  code.store(STORE32, tlb, i32.sub(host, i32.wrap(page)), TLB.ADDEND)
  code.return(i32.add(host, offset))
  code.u8(0x00)
  code.end()
  return {
    name: 'fill',
    signature: { params: ['i32', 'i64', 'i32'], results: ['i32'] },
    locals: locals.types,
    code,
  }
}
