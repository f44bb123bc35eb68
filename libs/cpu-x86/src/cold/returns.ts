import { CPU, JUMPS, RETURNS } from '../state/layout.ts'
import { type Code, STORE32, STORE64 } from '../wasm/code.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i32, i64, select } from '../wasm/ops.ts'
import { REC } from './record.ts'

/** What entries of JUMPS and RETURNS have that may be used now: the mode's generation, and whether it is compatibility mode. */
export function currentGeneration(cpu: I32): I32 {
  const mode = i32.add(cpu, i32.shl(i32.load(cpu, CPU.USER), i32.const(2)))
  return i32.or(
    i32.load(mode, CPU.JUMPS_KERNEL),
    i32.shl(i32.load(cpu, CPU.COMPAT), i32.const(Math.log2(JUMPS.COMPAT))),
  )
}

const newest = (cpu: I32): I32 => i32.add(cpu, i32.load(cpu, CPU.RETURN))

function move(code: Code, cpu: I32, bytes: number): void {
  const at = i32.add(i32.load(cpu, CPU.RETURN), i32.const(bytes))
  code.store(STORE32, cpu, i32.and(at, i32.const(RETURNS.BYTES - 1)), CPU.RETURN)
}

/** Notes that the call of the record `rec` returns to `rip`: the next record, as long as that is in the same page. */
export function emitCall(code: Code, cpu: I32, rec: I32, rip: I64, pageVa: I64): void {
  move(code, cpu, RETURNS.ENTRY)
  const inPage = i64.eq(i64.and(rip, i64.const(-4096)), pageVa)
  const after = select(inPage, i32.add(rec, i32.const(REC.BYTES)), i32.const(0))
  code.store(STORE64[8], newest(cpu), rip, CPU.RETURNS + RETURNS.RIP)
  code.store(STORE32, newest(cpu), currentGeneration(cpu), CPU.RETURNS + RETURNS.GENERATION)
  code.store(STORE32, newest(cpu), after, CPU.RETURNS + RETURNS.REC)
}

/** Takes the newest entry; `found` sees its record, in the local `rec`, if it is the one for a return to `rip`. */
export function emitReturn(code: Code, cpu: I32, rec: I32, rip: I64, found: () => void): void {
  code.setLocal(rec.op, newest(cpu))
  move(code, cpu, -RETURNS.ENTRY)
  const isThis = i64.eq(i64.load(rec, CPU.RETURNS + RETURNS.RIP), rip)
  const isGood = i32.eq(i32.load(rec, CPU.RETURNS + RETURNS.GENERATION), currentGeneration(cpu))
  code.if(i32.and(isThis, isGood), true)
  code.setLocal(rec.op, i32.load(rec, CPU.RETURNS + RETURNS.REC))
  code.if(rec, true)
  found()
  code.end()
  code.end()
}
