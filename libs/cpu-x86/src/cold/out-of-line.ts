import { CPU } from '../state/layout.ts'
import { type Code, STORE32 } from '../wasm/code.ts'
import type { I32 } from '../wasm/expr.ts'
import { i32 } from '../wasm/ops.ts'
import { hasMissed } from './entry-code.ts'
import { callBody } from './functions.ts'
import type { LoopBuilder, LoopLocals } from './loop-builder.ts'
import { loadFlags, storeFlags } from './loop-state.ts'
import { EXIT } from './record.ts'

/** Runs the body of the record's instruction, which is in the table at `form`. */
export function outOfLine(code: Code, b: LoopBuilder, at: LoopLocals, cpu: I32, form: I32): void {
  storeFlags(code, cpu, at)
  code.store(STORE32, cpu, i32.const(0), CPU.MISS)
  callBody(code, cpu, at.rec, form, at.exit)
  loadFlags(code, cpu, at)
  code.if(at.exit, false)
  code.brIf(b.labels.miss, hasMissed(cpu, at))
  code.brIf(b.labels.trap, i32.eq(at.exit, i32.const(EXIT.TRAP)))
  code.br(b.labels.exit)
  code.end()
  b.finish()
}
