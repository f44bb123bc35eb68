import { Locals, parameter } from '../builder/locals.ts'
import { CPU, XTLB } from '../state/layout.ts'
import { Code } from '../wasm/code.ts'
import type { FunctionBody } from '../wasm/module.ts'
import { i32, i64 } from '../wasm/ops.ts'

/**
 * (vCPU, address) -> record of the instruction there, or 0 where the execute TLB or the frame's code table has none. Virtual
 * address -> execute TLB -> code table of the frame: translations are never found by virtual address alone.
 */
export function findFunction(): FunctionBody {
  const code = new Code(128)
  const [cpu, rip] = [parameter('i32', 0), parameter('i64', 1)]
  const locals = new Locals(2)
  const entry = locals.named('i32')
  const index = i32.and(i32.shr_u(i32.wrap(rip), i32.const(8)), i32.const((XTLB.ENTRIES - 1) * XTLB.ENTRY))
  code.setLocal(entry.op, i32.add(i32.load(cpu, CPU.XTLB), index))
  code.if(i64.ne(i64.and(rip, i64.const(-4096)), i64.load(entry, XTLB.TAG)), false)
  code.return(i32.const(0))
  code.end()
  const slot = i32.shl(i32.and(i32.wrap(rip), i32.const(4095)), i32.const(2))
  code.return(i32.load(i32.add(i32.load(entry, XTLB.CODE_TABLE), slot)))
  code.u8(0x00)
  code.end()
  return { name: 'find', signature: { params: ['i32', 'i64'], results: ['i32'] }, locals: locals.types, code }
}
