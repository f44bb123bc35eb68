import { TRAP_KINDS, type Trap } from '../../builder/builder.ts'
import { CPU } from '../../state/layout.ts'
import { Expr } from '../../wasm/expr.ts'
import type { FunctionBody } from '../../wasm/module.ts'
import { i32 } from '../../wasm/ops.ts'
import { EntryBuilder, FUNCTION } from './entry-builder.ts'

/** What is done of them, each by a function (vCPU) -> 1 if it was. */
const TRAPS: readonly (readonly [Trap, number])[] = [
  ['syscall', FUNCTION.SYSCALL],
  ['iret', FUNCTION.IRET_INSTRUCTION],
  ['fxstate', FUNCTION.FX_STATE],
]

/** (vCPU) -> 1 if the instruction that traps was done. See Entries.trap. */
export function trapEntry(): FunctionBody {
  const b = new EntryBuilder()
  const kind = b.let(b.i32(CPU.TRAP))
  for (const [trap, entry] of TRAPS)
    b.if(i32.eq(kind, i32.const(TRAP_KINDS.indexOf(trap))), () =>
      b.code.return(new Expr('i32', 'call', entry, [b.cpu])),
    )
  b.code.return(i32.const(0))
  return b.done('trap')
}
