import { BUSY, ES, FCW, FCW_FIXED, FCW_WRITABLE, FOP, FSW } from '../../float/x87-state.ts'
import { CPU } from '../../state/layout.ts'
import { STORE32, STORE32_16 } from '../../wasm/code.ts'
import type { I32, I64 } from '../../wasm/expr.ts'
import type { FunctionBody } from '../../wasm/module.ts'
import { i32, i64, select } from '../../wasm/ops.ts'
import { MXCSR, MXCSR_MASK, SAVED } from '../emulate-fx.ts'
import { EntryBuilder } from './entry-builder.ts'
import { codeAt } from './instruction-code.ts'
import { failIfDue } from './state-hypercalls.ts'

/** REX.W, two of opcode, ModRM, a displacement of 8 bits. */
const BYTES = 5
const OPCODE = 0xae0f
/** REX with W, and B or not. */
const [REX_MASK, REX_W] = [0xfe, 0x48]

/**
 * (vCPU) -> 1 if fxsave64 or fxrstor64 with an operand of a register and 8 bits was done, as `fxState` (emulate-fx.ts) does it, where
 * nothing is to be raised.
 */
export function fxStateEntry(): FunctionBody {
  const b = new EntryBuilder()
  failIfDue(b)
  b.failIf(b.i32(CPU.NO_FPU))
  const code = codeAt(b, BYTES)
  const rex = b.let(i32.load8_u(code))
  b.failIf(i32.ne(i32.and(rex, i32.const(REX_MASK)), i32.const(REX_W)))
  b.failIf(i32.ne(i32.load16_u(code, 1), i32.const(OPCODE)))
  const modrm = b.let(i32.load8_u(code, 3))
  b.failIf(i32.ne(i32.and(modrm, i32.const(0xf0)), i32.const(0x40)))
  const low = b.let(i32.and(modrm, i32.const(7)))
  // A SIB byte follows.
  b.failIf(i32.eq(low, i32.const(4)))
  const register = i32.or(low, i32.shl(i32.and(rex, i32.const(1)), i32.const(3)))
  const base = i64.load(i32.add(b.cpu, i32.shl(register, i32.const(3))), CPU.GPR)
  const address = b.let(i64.add(base, i64.extend_i32_s(i32.load8_s(code, 4))))
  b.failIf(i32.and(i32.wrap(address), i32.const(15)))
  const state = b.let(i32.add(b.cpu, i32.const(CPU.FX)))
  b.if(
    i32.and(modrm, i32.const(8)),
    () => restore(b, state, openImage(b, address, false)),
    () => copy(b, openImage(b, address, true), state),
  )
  b.setU64(CPU.RIP, i64.add(b.u64(CPU.RIP), i64.const(BYTES)))
  return b.done()
}

function openImage(b: EntryBuilder, address: I64, write: boolean): I32 {
  const image = b.open(b.let(b.i32(CPU.TLB)), address, SAVED, write)
  b.failIf(i32.eqz(image))
  return image
}

function copy(b: EntryBuilder, to: I32, from: I32): void {
  b.code.copy(to, from, i32.const(SAVED))
}

/** What is checked is read once: another vCPU may write there meanwhile. */
function restore(b: EntryBuilder, state: I32, image: I32): void {
  const mxcsr = b.let(i32.load(image, MXCSR))
  b.failIf(i32.and(mxcsr, i32.const(~MXCSR_MASK)))
  copy(b, state, image)
  b.code.store(STORE32, state, mxcsr, MXCSR)
  b.code.store(STORE32, state, i32.const(MXCSR_MASK), MXCSR + 4)
  b.code.store(STORE32_16, state, i32.and(i32.load16_u(state, FOP), i32.const(0x7ff)), FOP)
  const control = b.let(i32.or(i32.and(i32.load16_u(state, FCW), i32.const(FCW_WRITABLE)), i32.const(FCW_FIXED)))
  b.code.store(STORE32_16, state, control, FCW)
  const status = b.let(i32.load16_u(state, FSW))
  const pending = i32.and(i32.and(status, i32.xor(control, i32.const(-1))), i32.const(0x3f))
  const summary = select(pending, i32.const(ES | BUSY), i32.const(0))
  b.code.store(STORE32_16, state, i32.or(i32.and(status, i32.const(~(ES | BUSY))), summary), FSW)
}
