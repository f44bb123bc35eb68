import { CPU } from '../state/layout.ts'
import { type Code, STORE64 } from '../wasm/code.ts'
import type { I32 } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'
import type { LoopLocals } from './loop-builder.ts'
import { REC } from './record.ts'

/** Target of links that lead nowhere: bytes of the vCPU's state that nobody reads. */
export const DUMMY_RECORD = CPU.SIZE - REC.BYTES

/** Instructions of the run up to the current. Less one where `start` was moved on past a record that does not count. */
export const retired = (at: LoopLocals): I32 => i32.shr_s(i32.sub(at.rec, at.start), i32.const(REC.SHIFT))

export function loadFlags(code: Code, cpu: I32, { flags }: LoopLocals): void {
  code.setLocal(flags.fz.op, i64.load(cpu, CPU.FZ))
  code.setLocal(flags.fs.op, i64.load(cpu, CPU.FS))
  code.setLocal(flags.fc.op, i64.load(cpu, CPU.FC))
}

export function storeFlags(code: Code, cpu: I32, { flags }: LoopLocals): void {
  code.store(STORE64[8], cpu, flags.fz, CPU.FZ)
  code.store(STORE64[8], cpu, flags.fs, CPU.FS)
  code.store(STORE64[8], cpu, flags.fc, CPU.FC)
}
