import { FLAT_RING3_CS64, FLAT_RING3_SS64 } from '@paravane/core/abi'
import { CPU } from '../../state/layout.ts'
import { STORE32_8, STORE64 } from '../../wasm/code.ts'
import type { I32, I64 } from '../../wasm/expr.ts'
import { i32, i64, select } from '../../wasm/ops.ts'
import { AC, CLEARED, DF, IF, IOPL, TF } from '../flags.ts'
import { PV } from '../pv-state.ts'
import { RF } from '../resume-flag.ts'
import type { EntryBuilder } from './entry-builder.ts'
import { bank, retired, rflags, setMode, setRflags, setTables } from './state-code.ts'

const [RCX, RSP, R11] = [1, 4, 11]

/** A way into the guest's kernel; see Bounce (bounce-frame.ts). */
export interface BounceCode {
  /** Not 0. */
  readonly address: I64
  readonly masksEvents: I32
  /** From user mode; undefined where it is only known at run time. */
  readonly fromUser?: true
  /** Words from RSP up to RIP, and selectors. `flags` are those of before. */
  readonly frame: (flags: I64) => { readonly below: readonly I64[]; readonly cs: I64; readonly ss: I64 }
  readonly isFault: boolean
  readonly clearsDf: boolean
}

/**
 * As `bounce`, where the kernel's stack is plain memory in one page and no event is due after it. TF and AC are left to TypeScript:
 * code is run step by step then.
 */
export function emitBounce(b: EntryBuilder, to: BounceCode): void {
  const info = b.let(b.i32(PV.VCPU_INFO))
  b.failIf(i32.eqz(info))
  b.failIf(i64.ne(i64.and(b.u64(CPU.RFLAGS), i64.const(TF | AC)), i64.const(0)))
  const masked = b.let(i32.load8_u(info, 1))
  const masks = b.let(to.masksEvents)
  b.failIf(i32.and(i32.eqz(i32.or(masked, masks)), i32.ne(i32.load8_u(info), i32.const(0))))
  const fromUser = to.fromUser ? i32.const(1) : b.let(b.i32(CPU.USER))
  const before = rflags(b)
  const { below, cs, ss } = to.frame(before)
  const words = below.length + 4
  const top = b.let(select(fromUser, b.u64(PV.KERNEL_SP), b.gpr(RSP)))
  const rsp = b.let(i64.sub(i64.and(top, i64.const(-16)), i64.const(words * 8)))
  const stack = openStack(b, fromUser, rsp, words * 8)

  const resumes = to.isFault ? i32.const(1) : i64.eq(b.u64(PV.RESUME_AT), i64.add(retired(b), i64.const(1)))
  const interrupts = select(masked, i64.const(0), i64.const(IF))
  const resume = select(resumes, i64.const(RF), i64.const(0))
  const flags = i64.or(i64.or(i64.and(before, i64.const(~(IF | IOPL))), interrupts), resume)
  const ring = select(fromUser, i64.or(cs, i64.const(3)), i64.and(cs, i64.const(~3)))
  const selector = i64.or(ring, i64.shl(i64.extend_i32_u(masked), i64.const(32)))
  for (const [n, word] of [...below, selector, flags, b.gpr(RSP), ss].entries())
    b.code.store(STORE64[8], stack, word, n * 8)

  const after = b.let(i64.or(i64.and(before, i64.const(~(CLEARED | IOPL | (to.clearsDf ? DF : 0n)))), i64.const(IF)))
  b.setGpr(RSP, rsp)
  b.setGpr(RCX, to.address)
  b.setGpr(R11, after)
  setRflags(b, after)
  b.setU64(PV.RESUME_AT, i64.const(0))
  b.setI32(PV.CS, i32.const(FLAT_RING3_CS64))
  b.setI32(PV.SS, i32.const(FLAT_RING3_SS64))
  b.setI32(CPU.COMPAT, i32.const(0))
  b.setU64(CPU.RIP, to.address)
  b.if(masks, () => b.code.store(STORE32_8, info, i32.or(masked, i32.const(1)), 1))
}

/** Switches to kernel mode and answers where the stack at `rsp` lies. */
function openStack(b: EntryBuilder, fromUser: I32, rsp: I64, size: number): I32 {
  const userRoot = b.let(b.i32(CPU.ROOT))
  const root = b.frame(b.i32(PV.KERNEL_ROOT))
  const host = b.open(bank(b, 'kernel'), rsp, size, true, () => b.if(fromUser, () => setTables(b, 'kernel', root)))
  b.code.if(i32.eqz(host), false)
  b.if(fromUser, () => setTables(b, 'user', userRoot))
  b.code.return(i32.const(0))
  b.code.end()
  b.if(fromUser, () => setMode(b, 'kernel', root))
  return host
}
