import type { Builder, Place } from '../builder/builder.ts'
import { callLibrary } from '../builder/library-call.ts'
import type { I64 } from '../wasm/expr.ts'
import { sseOpId } from './sse-op-ids.ts'

/** An operation that only the float library does: raises #XM or has written the target and MXCSR. Without a target or source the word 'result' takes its place. */
export function slowly(b: Builder, name: string, target?: Place, source?: Place, imm?: I64): void {
  callLibrary(b, {
    operation: sseOpId(name),
    ...(imm && { imm }),
    ...(target && { target }),
    ...(source && { source }),
  })
}
