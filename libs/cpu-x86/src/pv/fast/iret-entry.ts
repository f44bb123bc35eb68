import { FIRST_RESERVED_GDT_ENTRY, FLAT_RING3_CS32, FLAT_RING3_CS64, FLAT_RING3_SS64 } from '@paravane/core/abi'
import { notCanonical } from '../../mmu/walk-code.ts'
import { CPU } from '../../state/layout.ts'
import { STORE32_8 } from '../../wasm/code.ts'
import type { I32, I64 } from '../../wasm/expr.ts'
import type { FunctionBody } from '../../wasm/module.ts'
import { i32, i64, select } from '../../wasm/ops.ts'
import { AC, IF, IOPL, NT, POSSIBLE, TF, VM } from '../flags.ts'
import { PV } from '../pv-state.ts'
import { RF } from '../resume-flag.ts'
import { EntryBuilder } from './entry-builder.ts'
import { bank, retired, setMode, setRflags } from './state-code.ts'

const [RAX, RCX, RSP, R11] = [0, 1, 4, 11]
const VGCF_IN_SYSCALL = 0x100
/** iret_context, in words. */
const FRAME = { RAX: 0, R11: 1, RCX: 2, FLAGS: 3, RIP: 4, CS: 5, RFLAGS: 6, RSP: 7, SS: 8, WORDS: 9 } as const
/** Of a descriptor's second dword: present, ring 3, accessed; 64-bit code, or writable data (SDM vol. 3 3.4.5). */
export const CODE64 = { mask: 0x60f900, wanted: 0x20f900 } as const
export const STACK = { mask: 0xfb00, wanted: 0xf300 } as const

/**
 * (vCPU) -> 1 if HYPERVISOR_iret was done, as `iret` (iret.ts) does it: to 64-bit code, where nothing is to be raised there and no event
 * or NMI is due.
 */
export function iretEntry(): FunctionBody {
  const b = new EntryBuilder()
  const info = b.let(b.i32(PV.VCPU_INFO))
  b.failIf(i32.eqz(info))
  b.failIf(b.i32(PV.NMI_MASKED))
  const from = b.let(b.gpr(RSP))
  const at = b.open(bank(b, 'kernel'), from, FRAME.WORDS * 8, false)
  b.failIf(i32.eqz(at))
  // Another vCPU may write there meanwhile: each word is read once.
  const word = (n: number): I64 => b.let(i64.load(at, n * 8))
  const rip = word(FRAME.RIP)
  b.failIf(notCanonical(rip))
  const saved = word(FRAME.RFLAGS)
  b.failIf(i64.ne(i64.and(saved, i64.const(TF | NT | VM | AC)), i64.const(0)))
  const mask = b.let(i64.eqz(i64.and(saved, i64.const(IF))))
  b.failIf(i32.and(i32.eqz(mask), i32.ne(i32.load8_u(info), i32.const(0))))
  const savedCs = b.let(i32.wrap(word(FRAME.CS)))
  const toUser = b.let(i32.eq(i32.and(savedCs, i32.const(3)), i32.const(3)))
  const cs = b.let(i32.or(i32.and(savedCs, i32.const(0xffff)), i32.const(3)))
  const ss = b.let(i32.or(i32.and(i32.wrap(word(FRAME.SS)), i32.const(0xffff)), i32.const(3)))
  const bySysret = b.let(i32.and(i32.wrap(word(FRAME.FLAGS)), i32.const(VGCF_IN_SYSCALL)))
  b.if(
    bySysret,
    () => {
      b.failIf(i32.eq(cs, i32.const(FLAT_RING3_CS32)))
      b.set(cs, i32.const(FLAT_RING3_CS64))
      b.set(ss, i32.const(FLAT_RING3_SS64))
    },
    () => {
      requireSegment(b, cs, FLAT_RING3_CS64, CODE64)
      requireSegment(b, ss, FLAT_RING3_SS64, STACK)
    },
  )
  const [rax, rcx, r11, rsp] = [word(FRAME.RAX), word(FRAME.RCX), word(FRAME.R11), word(FRAME.RSP)]
  b.if(toUser, () => setMode(b, 'user', b.frame(b.i32(PV.USER_ROOT))))

  const always = i64.const(IF | 2n)
  const loaded = i64.or(i64.and(saved, i64.const(POSSIBLE & ~(IOPL | VM))), always)
  b.setGpr(RAX, rax)
  b.setGpr(RCX, select(bySysret, rip, rcx))
  b.setGpr(R11, select(bySysret, loaded, r11))
  b.setGpr(RSP, rsp)
  b.setU64(CPU.RIP, rip)
  setRflags(b, b.let(i64.and(loaded, i64.const(~RF))))
  const resumes = i32.and(i64.ne(i64.and(saved, i64.const(RF)), i64.const(0)), i32.eqz(bySysret))
  b.setU64(PV.RESUME_AT, select(resumes, i64.add(retired(b), i64.const(2)), i64.const(0)))
  b.code.store(STORE32_8, info, mask, 1)
  b.setI32(PV.CS, cs)
  b.setI32(PV.SS, ss)
  b.setI32(CPU.COMPAT, i32.const(0))
  return b.done()
}

/** Fails unless the selector is the hypervisor's flat one, or names a descriptor of the GDT that loads without more ado. */
export function requireSegment(
  b: EntryBuilder,
  selector: I32,
  flat: number,
  { mask, wanted }: { readonly mask: number; readonly wanted: number },
): void {
  b.if(i32.ne(selector, i32.const(flat)), () => {
    // Null, and of the LDT.
    b.failIf(i32.or(i32.le_u(selector, i32.const(3)), i32.and(selector, i32.const(4))))
    const index = b.let(i32.shr_u(selector, i32.const(3)))
    b.failIf(i32.ge_u(index, i32.const(FIRST_RESERVED_GDT_ENTRY)))
    b.failIf(i32.ge_s(index, b.i32(PV.GDT_ENTRIES)))
    const page = i32.shl(i32.shr_u(index, i32.const(9)), i32.const(2))
    const frame = b.frame(i32.load(i32.add(b.cpu, page), PV.GDT_FRAMES))
    const descriptor = i32.add(frame, i32.shl(i32.and(index, i32.const(511)), i32.const(3)))
    b.failIf(i32.ne(i32.and(i32.load(descriptor, 4), i32.const(mask)), i32.const(wanted)))
  })
}
