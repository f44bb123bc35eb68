import type { Signature } from '../wasm/module.ts'

/**
 * Ways on where the cold tier's loop would be left for TypeScript: functions in WebAssembly on the domain's memory. The vCPU's state is
 * that before the instruction, RIP its address, and COUNT what was retired in the run. They answer 1 with RIP where to go on, or 0
 * with nothing changed but accessed bits that TypeScript would set as well. The instruction is retired by an answer of 1 to `trap`,
 * and of 2 to `fault`.
 */
export interface Entries {
  /** An instruction that traps, as TRAP says. */
  readonly trap: (vcpu: number) => number
  /** An access, as `fill` (mmu/fill.ts) has it, or a fetch where `info` is 0, for which the fast paths found no frame. */
  readonly fault: (vcpu: number, va: bigint, info: number) => number
}

/** All is left to TypeScript. */
export const NO_ENTRIES: Entries = { trap: () => 0, fault: () => 0 }

export const TRAP_ENTRY: Signature = { params: ['i32'], results: ['i32'] }
export const FAULT_ENTRY: Signature = { params: ['i32', 'i64', 'i32'], results: ['i32'] }
