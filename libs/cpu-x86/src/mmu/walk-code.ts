import { CPU } from '../state/layout.ts'
import type { Code } from '../wasm/code.ts'
import { Expr, type I32, type I64 } from '../wasm/expr.ts'
import { i32, i64, select } from '../wasm/ops.ts'
import { FIRST_FRAME } from './walk.ts'

/** Page table entry bits (SDM vol. 3 table 4-20). */
export const PTE = { P: 1, RW: 2, US: 4, A: 0x20, D: 0x40, NX: 1n << 63n } as const

/** i64.atomic.rmw.or */
const atomicOr = (address: I32, bits: I64): I64 => new Expr('i64', 'atomic', 0xfe0034, [address, bits], 0)

/** Locals of a walk; `host` is the frame in the end. */
export interface WalkLocals {
  readonly host: I32
  readonly slot: I32
  readonly entry: I64
  /** The bits of the leaf that count, and NX of all levels. */
  readonly allowed: I64
  readonly noExecute: I64
}

/**
 * Emits a walk of the page tables of the current root, which sets accessed and dirty bits. In user mode only the leaf's U bit counts:
 * Xen sets it in the upper levels (xen/arch/x86/pv/mm.h adjust_guest_l*e).
 * @param write an i32 known at run time, or 'execute'
 * @param traces whether accessed and dirty bits are set, or the walk fails where they are not
 * @param fail emits the way out where the i32 is not zero: not allowed, no frame, absent, or a store to a watched frame
 */
export function emitWalk(
  code: Code,
  cpu: I32,
  va: I64,
  { host, slot, entry, allowed, noExecute }: WalkLocals,
  write: I32 | 'execute',
  fail: (when: I32) => void,
  traces: 'leave' | 'refuse' = 'leave',
): void {
  const set = (local: Expr, value: Expr) => code.setLocal(local.op, value)
  const executes = write === 'execute'
  set(host, i32.load(cpu, CPU.ROOT))
  set(allowed, i64.const(PTE.RW | PTE.US))
  if (executes) set(noExecute, i64.const(0))
  for (const shift of [39, 30, 21, 12]) {
    const index = i32.and(i32.wrap(i64.shr_u(va, i64.const(shift))), i32.const(511))
    set(slot, i32.add(host, i32.shl(index, i32.const(3))))
    set(entry, i64.load(slot))
    fail(i32.eqz(i32.wrap(i64.and(entry, i64.const(PTE.P)))))
    set(allowed, i64.and(allowed, shift === 12 ? entry : i64.or(entry, i64.const(PTE.US))))
    if (executes) set(noExecute, i64.or(noExecute, entry))
    if (shift === 12) {
      if (executes) fail(i64.lt_s(noExecute, i64.const(0)))
      else fail(i32.and(write, i32.eqz(i32.wrap(i64.and(allowed, i64.const(PTE.RW))))))
      fail(i32.and(i32.load(cpu, CPU.USER), i32.eqz(i32.wrap(i64.and(allowed, i64.const(PTE.US))))))
    }
    const gmfn = i64.and(i64.shr_u(entry, i64.const(12)), i64.const(0xffffffffff))
    fail(i64.ge_u(gmfn, i64.load32_u(cpu, CPU.NR_GMFNS)))
    set(host, i32.load(i32.add(i32.load(cpu, CPU.PHYSMAP), i32.shl(i32.wrap(gmfn), i32.const(2)))))
    fail(i32.lt_u(host, i32.const(FIRST_FRAME)))
    const stores = shift === 12 && !executes
    if (stores) {
      const flags = i32.load8_u(i32.add(i32.load(cpu, CPU.FRAME_FLAGS), i32.shr_u(host, i32.const(12))))
      fail(i32.and(write, i32.ne(flags, i32.const(0))))
    }
    const wanted = stores ? select(write, i64.const(PTE.A | PTE.D), i64.const(PTE.A)) : i64.const(PTE.A)
    if (traces === 'leave') setAccessed(code, slot, entry, wanted)
    else fail(i64.ne(i64.and(entry, wanted), wanted))
  }
}

/** Whether an address is none of 48 bits, sign-extended. */
export function notCanonical(va: I64): I32 {
  return i64.ne(i64.shr_s(i64.shl(va, i64.const(16)), i64.const(16)), va)
}

/** Sets bits of an entry that was read as `entry`. */
export function setAccessed(code: Code, slot: I32, entry: I64, bits: I64): void {
  code.if(i64.ne(i64.and(entry, bits), bits))
  code.drop(atomicOr(slot, bits))
  code.end()
}
