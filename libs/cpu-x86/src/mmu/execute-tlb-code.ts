import { CPU, XTLB } from '../state/layout.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'

/** Where the current mode's execute TLB has an address, if it has it. */
export function executeEntry(cpu: I32, rip: I64): I32 {
  return i32.add(i32.load(cpu, CPU.XTLB), i32.shl(executeIndexCode(rip), i32.const(Math.log2(XTLB.ENTRY))))
}

/** As `executeIndex`. */
export function executeIndexCode(rip: I64): I32 {
  const low = i32.wrap(rip)
  const both = i32.xor(i32.shr_u(low, i32.const(12)), i32.shr_u(low, i32.const(24)))
  return i32.and(both, i32.const(XTLB.ENTRIES - 1))
}

/** What an entry for an address is known by: the same bytes are other instructions in compatibility mode. */
export function executeTag(cpu: I32, rip: I64): I64 {
  return i64.or(i64.and(rip, i64.const(-4096)), i64.load32_u(cpu, CPU.COMPAT))
}

/** The record at an address, 0 for none, by the entry of its page. */
export function recordIn(entry: I32, rip: I64): I32 {
  const place = i32.shl(i32.and(i32.wrap(rip), i32.const(4095)), i32.const(2))
  return i32.load(i32.add(i32.load(entry, XTLB.CODE_TABLE), place))
}
