import { parameter } from '../../builder/locals.ts'
import { M2P_START } from '../../mmu/fill.ts'
import { FIRST_FRAME, PF } from '../../mmu/walk.ts'
import { notCanonical, PTE, setAccessed } from '../../mmu/walk-code.ts'
import { CPU } from '../../state/layout.ts'
import { STORE64 } from '../../wasm/code.ts'
import type { I32, I64 } from '../../wasm/expr.ts'
import type { FunctionBody } from '../../wasm/module.ts'
import { i32, i64 } from '../../wasm/ops.ts'
import { CR2_IN_VCPU_INFO, PV, TRAP_MASKS_EVENTS, VECTOR } from '../pv-state.ts'
import { emitBounce } from './bounce-code.ts'
import { EntryBuilder } from './entry-builder.ts'
import { emitTableStore, isL1Table } from './page-tables.ts'

const [RCX, R11] = [1, 11]
const ENTRY = PV.TRAPS + VECTOR.PF * PV.TRAP_BYTES

/** (vCPU, address, what) -> 1 if it was a page fault, and the guest's handler was entered; 2 if the store was done. See Entries.fault. */
export function faultEntry(): FunctionBody {
  const b = new EntryBuilder(['i64', 'i32'])
  const [va, info] = [parameter('i64', 1), parameter('i32', 2)]
  const address = b.let(b.u64(ENTRY))
  b.failIf(i64.eqz(address))
  const left = b.let(b.i32(PV.FAULTS_LEFT))
  b.failIf(i32.le_s(left, i32.const(0)))
  const error = pageFault(b, va, info)
  const code = b.let(i64.extend_i32_u(error))
  emitBounce(b, {
    address,
    masksEvents: i32.and(b.i32(ENTRY + 8), i32.const(TRAP_MASKS_EVENTS)),
    frame: () => ({
      below: [b.gpr(RCX), b.gpr(R11), code, b.u64(CPU.RIP)],
      cs: i64.load32_s(b.cpu, PV.CS),
      ss: i64.load32_s(b.cpu, PV.SS),
    }),
    isFault: true,
    clearsDf: false,
  })
  b.code.store(STORE64[8], b.i32(PV.VCPU_INFO), va, CR2_IN_VCPU_INFO)
  b.setI32(PV.FAULTS_LEFT, i32.sub(left, i32.const(1)))
  return b.done('fault')
}

/**
 * The error code of the page fault. Fails where it is something else, or may be: an operand across pages, no frame or an absent one, an
 * address that the mode cannot have. A store of the kernel to a page table that it may only read is done here, or fails.
 */
function pageFault(b: EntryBuilder, va: I64, info: I32): I32 {
  const { code } = b
  const fetches = b.let(i32.eqz(info))
  const write = b.let(i32.and(info, i32.const(1)))
  const user = b.let(b.i32(CPU.USER))
  const offset = i32.and(i32.wrap(va), i32.const(4095))
  b.failIf(i32.gt_u(i32.add(offset, i32.shr_u(info, i32.const(1))), i32.const(4096)))
  b.failIf(notCanonical(va))
  b.failIf(i32.and(b.i32(CPU.COMPAT), i64.ne(i64.shr_u(va, i64.const(32)), i64.const(0))))
  b.failIf(i64.lt_u(i64.sub(va, i64.const(M2P_START)), i64.load32_u(b.cpu, CPU.M2P_BYTES)))
  const bits = i32.or(i32.shl(write, i32.const(1)), i32.shl(user, i32.const(2)))
  const error = b.let(i32.or(bits, i32.shl(fetches, i32.const(4))))
  const host = b.let(b.i32(CPU.ROOT))
  const [slot, entry, all, any] = [b.variable('i32'), b.variable('i64'), b.variable('i64'), b.variable('i64')]
  b.set(all, i64.const(-1))
  code.block()
  const found = code.depth
  for (const shift of [39, 30, 21, 12]) {
    const index = i32.and(i32.wrap(i64.shr_u(va, i64.const(shift))), i32.const(511))
    b.set(slot, i32.add(host, i32.shl(index, i32.const(3))))
    b.set(entry, i64.load(slot))
    code.brIf(found, i64.eqz(i64.and(entry, i64.const(PTE.P))))
    b.set(all, i64.and(all, entry))
    b.set(any, i64.or(any, entry))
    const gmfn = i64.and(i64.shr_u(entry, i64.const(12)), i64.const(0xffffffffff))
    b.failIf(i64.ge_u(gmfn, i64.load32_u(b.cpu, CPU.NR_GMFNS)))
    b.set(host, i32.load(i32.add(b.i32(CPU.PHYSMAP), i32.shl(i32.wrap(gmfn), i32.const(2)))))
    b.failIf(i32.lt_u(host, i32.const(FIRST_FRAME)))
    if (shift !== 12) setAccessed(code, slot, entry, i64.const(PTE.A))
  }
  const readOnly = b.let(i32.and(write, i64.eqz(i64.and(all, i64.const(PTE.RW)))))
  const leafAllows = i64.ne(i64.and(entry, i64.const(PTE.RW)), i64.const(0))
  const mayBeTable = i32.and(readOnly, i32.eqz(i32.or(user, leafAllows)))
  b.if(mayBeTable, () => b.if(isL1Table(b, entry), () => emitTableStore(b, va, info, entry)))
  const notUser = i32.and(user, i64.eqz(i64.and(entry, i64.const(PTE.US))))
  const noExecute = i32.and(fetches, i64.lt_s(any, i64.const(0)))
  b.failIf(i32.eqz(i32.or(readOnly, i32.or(notUser, noExecute))))
  b.set(error, i32.or(error, i32.const(PF.PRESENT)))
  code.end()
  return error
}
