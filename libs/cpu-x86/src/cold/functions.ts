import { EXACT } from '../insn/exact-so-far.ts'
import type { Code } from '../wasm/code.ts'
import type { I32 } from '../wasm/expr.ts'
import type { Signature } from '../wasm/module.ts'

/** Bodies and regions in a worker's table: (vCPU, record) -> EXIT. */
export const BODY: Signature = { params: ['i32', 'i32'], results: ['i32'] }
const HELPER: Signature = { params: ['i32', 'i32', 'i32', 'i32'], results: ['i32'] }

/** Functions that every module with bodies imports, in index order. */
export const BODY_IMPORTS: readonly (readonly [string, Signature])[] = [
  ['sse', HELPER],
  ['x87', HELPER],
  ['tsc', HELPER],
  ['exact', EXACT],
]
export const HELPER_INDEX = { sse: 0, x87: 1, tsc: 2, exact: 3 } as const

/** Functions of the cold tier's module by index: what it imports beside those, then its own. */
export const FUNCTION = {
  TRAP: BODY_IMPORTS.length,
  FAULT: BODY_IMPORTS.length + 1,
  FILL: BODY_IMPORTS.length + 2,
  FIND: BODY_IMPORTS.length + 3,
  SETTLE: BODY_IMPORTS.length + 4,
  LEAVE: BODY_IMPORTS.length + 5,
  PEEK: BODY_IMPORTS.length + 6,
  PAGES: BODY_IMPORTS.length + 7,
  OPEN: BODY_IMPORTS.length + 8,
} as const

/** Calls what is at `slot` of the worker's table; its answer is in `exit`. */
export function callBody(code: Code, cpu: I32, rec: I32, slot: I32, exit: I32): void {
  for (const e of [cpu, rec, slot]) code.expr(e)
  code.u8(0x11)
  code.u32(0)
  code.u8(0)
  code.popLocal(exit.op)
}
