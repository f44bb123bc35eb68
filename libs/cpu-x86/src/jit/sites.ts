import { Locals, parameter } from '../builder/locals.ts'
import { EXIT } from '../cold/record.ts'
import { CPU } from '../state/layout.ts'
import { Code, STORE32, STORE64 } from '../wasm/code.ts'
import { Expr, type I32 } from '../wasm/expr.ts'
import type { FunctionBody } from '../wasm/module.ts'
import { i32, i64 } from '../wasm/ops.ts'
import { type FlagState, flagCode } from './flag-state.ts'

/** Why a region is left in the middle of an instruction that was not retired. */
export type Leaving =
  | { readonly exit: typeof EXIT.MISS | typeof EXIT.APART }
  | { readonly exit: typeof EXIT.FAULT; readonly vector: number; readonly error: number }
  /** `kind` is a place in TRAP_KINDS. */
  | { readonly exit: typeof EXIT.TRAP; readonly kind: number }

/**
 * A place at which a region is left in the middle of a block. All that is known of it while the region is made is one number, which
 * the vCPU's state is made whole by once it is left there: the ways out are the larger part of a region's code, and hardly ever run.
 */
export interface Site {
  readonly leaving: Leaving
  /** Of the instruction, from the entry's page; 32 bits. */
  readonly offset: number
  /** Instructions retired and not counted yet, below 256. */
  readonly done: number
  readonly flags: FlagState | 'dynamic'
}

/** For FLAG_STATE as the region has left it. */
const DYNAMIC = 0x3f
/** First bits of the parts of a site above its offset; and of a fault's error code, plus 1, above its vector. */
const [DONE, FLAGS, WHY, DETAIL] = [32, 40, 46, 50] as const
const ERROR = 8

/** A site as a number. */
export function siteNumber({ leaving, offset, done, flags }: Site): bigint {
  const state = flags === 'dynamic' ? DYNAMIC : flagCode(flags)
  const above = (value: number, bit: number): bigint => BigInt(value) << BigInt(bit)
  const parts = above(done, DONE) | above(state, FLAGS) | above(leaving.exit, WHY) | above(detail(leaving), DETAIL)
  return BigInt.asIntN(64, BigInt.asUintN(32, BigInt(offset)) | parts)
}

function detail(leaving: Leaving): number {
  if (leaving.exit === EXIT.TRAP) return leaving.kind
  return leaving.exit === EXIT.FAULT ? leaving.vector | ((leaving.error + 1) << ERROR) : 0
}

/** (vCPU) -> EXIT: makes the vCPU's state whole by SITE. @param settle index of `settle` */
export function leaveFunction(settle: number): FunctionBody {
  const code = new Code(256)
  const cpu = parameter('i32', 0)
  const locals = new Locals(1)
  const high = locals.named('i32')
  const detail = locals.named('i32')
  const exit = locals.named('i32')
  const rip = locals.named('i64')
  const part = (bit: number, mask: number): I32 => i32.and(i32.shr_u(high, i32.const(bit - 32)), i32.const(mask))
  code.setLocal(high.op, i32.load(cpu, CPU.SITE + 4))
  code.setLocal(rip.op, i64.add(i64.load(cpu, CPU.PAGE_VA), i64.load32_s(cpu, CPU.SITE)))
  code.if(i32.load(cpu, CPU.COMPAT))
  code.setLocal(rip.op, i64.and(rip, i64.const(0xffffffff)))
  code.end()
  code.store(STORE64[8], cpu, rip, CPU.RIP)
  code.store(STORE32, cpu, i32.add(i32.load(cpu, CPU.COUNT), part(DONE, 0xff)), CPU.COUNT)
  code.if(i32.ne(part(FLAGS, DYNAMIC), i32.const(DYNAMIC)))
  code.store(STORE32, cpu, part(FLAGS, DYNAMIC), CPU.FLAG_STATE)
  code.end()
  code.call(settle, cpu)
  code.setLocal(exit.op, part(WHY, 0xf))
  code.setLocal(detail.op, part(DETAIL, 0x3fff))
  code.if(i32.eq(exit, i32.const(EXIT.FAULT)))
  code.store(STORE32, cpu, i32.and(detail, i32.const(0xff)), CPU.VECTOR)
  code.store(STORE32, cpu, i32.sub(i32.shr_u(detail, i32.const(ERROR)), i32.const(1)), CPU.ERROR)
  code.end()
  code.if(i32.eq(exit, i32.const(EXIT.TRAP)))
  code.store(STORE32, cpu, detail, CPU.TRAP)
  code.end()
  code.return(exit)
  code.end()
  return { name: 'leave', signature: { params: ['i32'], results: ['i32'] }, locals: locals.types, code }
}

/** A call of it. */
export const leaveCall = (leave: number, cpu: I32): I32 => new Expr('i32', 'call', leave, [cpu])
