import { FLAT_RING3_CS64, FLAT_RING3_SS64, SEGBASE_FS, SEGBASE_GS_KERNEL, SEGBASE_GS_USER } from '@paravane/core/abi'
import { notCanonical } from '../../mmu/walk-code.ts'
import { CPU } from '../../state/layout.ts'
import { i32, i64 } from '../../wasm/ops.ts'
import { PV } from '../pv-state.ts'
import type { EntryBuilder } from './entry-builder.ts'
import { rflags } from './state-code.ts'

const [RAX, RCX, RSI, RDI, R11] = [0, 1, 6, 7, 11]
/** Of the instruction. */
export const SYSCALL_BYTES = 2

/** Fails where an event is due, which is delivered after a hypercall. Before anything is changed. */
export function failIfDue(b: EntryBuilder): void {
  const info = b.let(b.i32(PV.VCPU_INFO))
  b.failIf(i32.eqz(info))
  b.failIf(i32.and(i32.ne(i32.load8_u(info), i32.const(0)), i32.eqz(i32.load8_u(info, 1))))
}

/** A hypercall that answers 0 is done, as PvVcpu has it: returns 1. */
export function emitDone(b: EntryBuilder): void {
  const next = b.let(i64.add(b.u64(CPU.RIP), i64.const(SYSCALL_BYTES)))
  b.setGpr(RAX, i64.const(0))
  b.setGpr(RCX, next)
  b.setGpr(R11, rflags(b))
  b.setI32(PV.CS, i32.const(FLAT_RING3_CS64))
  b.setI32(PV.SS, i32.const(FLAT_RING3_SS64))
  b.setU64(CPU.RIP, next)
  b.code.return(i32.const(1))
}

export function stackSwitch(b: EntryBuilder): void {
  failIfDue(b)
  b.setI32(PV.KERNEL_SS, i32.or(i32.and(b.i32(CPU.GPR + RDI * 8), i32.const(0xffff)), i32.const(3)))
  b.setU64(PV.KERNEL_SP, b.gpr(RSI))
}

/** The bases alone: to load GS is left to TypeScript, and so is refusing. */
export function setSegmentBase(b: EntryBuilder): void {
  failIfDue(b)
  const value = b.let(b.gpr(RSI))
  const which = b.let(b.i32(CPU.GPR + RDI * 8))
  b.failIf(notCanonical(value))
  b.failIf(i32.gt_u(which, i32.const(Math.max(SEGBASE_FS, SEGBASE_GS_USER, SEGBASE_GS_KERNEL))))
  for (const [base, at] of [
    [SEGBASE_FS, CPU.FSBASE],
    [SEGBASE_GS_USER, PV.GS_USER],
    [SEGBASE_GS_KERNEL, CPU.GSBASE],
  ] as const)
    b.if(i32.eq(which, i32.const(base)), () => b.setU64(at, value))
}
