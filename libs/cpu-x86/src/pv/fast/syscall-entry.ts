import {
  __HYPERVISOR_iret,
  __HYPERVISOR_mmu_update,
  __HYPERVISOR_mmuext_op,
  __HYPERVISOR_set_segment_base,
  __HYPERVISOR_stack_switch,
  CALLBACKTYPE_syscall,
  FLAT_RING3_CS64,
  FLAT_RING3_SS64,
} from '@paravane/core/abi'
import { CPU } from '../../state/layout.ts'
import { Expr } from '../../wasm/expr.ts'
import type { FunctionBody } from '../../wasm/module.ts'
import { i32, i64 } from '../../wasm/ops.ts'
import { PV } from '../pv-state.ts'
import { emitBounce } from './bounce-code.ts'
import { EntryBuilder, FUNCTION } from './entry-builder.ts'
import { emitDone, SYSCALL_BYTES, setSegmentBase, stackSwitch } from './state-hypercalls.ts'

const RAX = 0

/** By number: a function, or what it does before it is done. */
const HYPERCALLS: readonly (readonly [number, number | ((b: EntryBuilder) => void)])[] = [
  [__HYPERVISOR_iret, FUNCTION.IRET],
  [__HYPERVISOR_mmu_update, FUNCTION.MMU_UPDATE],
  [__HYPERVISOR_mmuext_op, FUNCTION.MMUEXT_OP],
  [__HYPERVISOR_stack_switch, stackSwitch],
  [__HYPERVISOR_set_segment_base, setSegmentBase],
]

/** (vCPU) -> 1 if SYSCALL was done: of 64-bit user mode into its kernel, or a hypercall that is only about the vCPU's state. */
export function syscallEntry(): FunctionBody {
  const b = new EntryBuilder()
  b.failIf(b.i32(CPU.COMPAT))
  b.if(i32.eqz(b.i32(CPU.USER)), () => {
    for (const [nr, entry] of HYPERCALLS)
      b.if(i64.eq(b.gpr(RAX), i64.const(nr)), () => {
        if (typeof entry === 'number') b.code.return(new Expr('i32', 'call', entry, [b.cpu]))
        else {
          entry(b)
          emitDone(b)
        }
      })
    b.code.return(i32.const(0))
  })
  const address = b.let(b.u64(PV.CALLBACKS + CALLBACKTYPE_syscall * 8))
  b.failIf(i64.eqz(address))
  const masks = i32.and(i32.shr_u(b.i32(PV.CALLBACK_MASKS), i32.const(CALLBACKTYPE_syscall)), i32.const(1))
  const next = b.let(i64.add(b.u64(CPU.RIP), i64.const(SYSCALL_BYTES)))
  emitBounce(b, {
    address,
    masksEvents: masks,
    fromUser: true,
    // The processor saved RIP and RFLAGS in these two, and not the selectors.
    frame: (flags) => ({
      below: [next, flags, next],
      cs: i64.const(FLAT_RING3_CS64),
      ss: i64.const(FLAT_RING3_SS64),
    }),
    isFault: false,
    clearsDf: true,
  })
  return b.done()
}
