import { ARITHMETIC_FLAGS } from '../../builder/flag-bits.ts'
import { fromBits, toBits } from '../../builder/flag-words.ts'
import { CPU, REGION } from '../../state/layout.ts'
import type { I32, I64 } from '../../wasm/expr.ts'
import { i32, i64 } from '../../wasm/ops.ts'
import { PV } from '../pv-state.ts'
import type { EntryBuilder } from './entry-builder.ts'

const DF_SHIFT = 10
const DF = 1 << DF_SHIFT

/** As `readRflags` (state/rflags.ts). */
export function rflags(b: EntryBuilder): I64 {
  const words = { fz: b.u64(CPU.FZ), fs: b.u64(CPU.FS), fc: b.let(b.u64(CPU.FC)) }
  const direction = i64.shl(i64.extend_i32_u(i64.ne(b.u64(CPU.DF), i64.const(0))), i64.const(DF_SHIFT))
  return b.let(i64.or(i64.or(i64.or(b.u64(CPU.RFLAGS), i64.const(2)), direction), toBits(words)))
}

/** As `writeRflags`. */
export function setRflags(b: EntryBuilder, flags: I64): void {
  const { fz, fs, fc } = fromBits(flags, (value) => b.let(value))
  b.setU64(CPU.FZ, fz)
  b.setU64(CPU.FS, fs)
  b.setU64(CPU.FC, fc)
  b.setU64(CPU.DF, i64.and(i64.shr_u(flags, i64.const(DF_SHIFT)), i64.const(1)))
  b.setU64(CPU.RFLAGS, i64.and(flags, i64.const(~(ARITHMETIC_FLAGS | DF))))
}

/** Instructions retired when the one under way is reached. */
export const retired = (b: EntryBuilder): I64 => i64.add(b.u64(CPU.ICOUNT), i64.load32_s(b.cpu, CPU.COUNT))

export const bank = (b: EntryBuilder, mode: 'kernel' | 'user'): I32 =>
  i32.add(b.cpu, i32.const(mode === 'user' ? REGION.TLB_USER : REGION.TLB_KERNEL))

/** Root and TLB banks of a mode, without anything that the guest sees. */
export function setTables(b: EntryBuilder, mode: 'kernel' | 'user', root: I32): void {
  b.setI32(CPU.ROOT, root)
  b.setI32(CPU.USER, i32.const(mode === 'user' ? 1 : 0))
  b.setI32(CPU.TLB, bank(b, mode))
  b.setI32(CPU.XTLB, i32.add(b.cpu, i32.const(mode === 'user' ? REGION.XTLB_USER : REGION.XTLB_KERNEL)))
}

/** As `toggleMode` (mode.ts), to `mode`. */
export function setMode(b: EntryBuilder, mode: 'kernel' | 'user', root: I32): void {
  setTables(b, mode, root)
  const [from, to] = mode === 'user' ? [PV.GS_KERNEL, PV.GS_USER] : [PV.GS_USER, PV.GS_KERNEL]
  b.setU64(from, b.u64(CPU.GSBASE))
  b.setU64(CPU.GSBASE, b.u64(to))
  if (mode === 'user') b.setI32(PV.USER_CACHED, i32.const(1))
}
