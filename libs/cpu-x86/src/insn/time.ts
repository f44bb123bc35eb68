/** The time stamp counter (Intel SDM vol. 2: RDTSC). */
import type { Builder } from '../builder/builder.ts'
import { i32, i64 } from '../wasm/ops.ts'
import { RAX, RDX } from './register-numbers.ts'
import type { Row } from './row.ts'

/** Read by a helper unless TypeScript has to look at the vCPU first. */
function readTsc(b: Builder): void {
  b.if(i64.ne(b.state('tscTraps'), i64.const(0)), () => b.trap())
  const none = i32.const(0)
  b.helper('tsc', none, none, none)
  const ticks = b.state('result')
  b.put(b.gpr(RAX, 4), ticks)
  b.put(b.gpr(RDX, 4), i64.shr_u(ticks, i64.const(32)))
}

export const rows: readonly Row[] = [{ name: 'rdtsc', map: 1, code: 0x31, operands: '', traps: 'rdtsc', def: readTsc }]
