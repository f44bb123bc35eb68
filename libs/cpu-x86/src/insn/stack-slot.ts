import type { Access, Builder, Place } from '../builder/builder.ts'
import type { I64 } from '../wasm/expr.ts'
import { i64 } from '../wasm/ops.ts'
import { RSP } from './register-numbers.ts'

/** Bytes of the stack pointer in use: 8 in 64-bit mode, 4 in compatibility mode (a flat 32-bit stack segment). */
export type PointerSize = 4 | 8

export const stackPointer = (b: Builder, pointer: PointerSize): I64 => b.let(b.get(b.gpr(RSP, pointer)))

/** Opens one slot of the operand size on the stack; `address` wraps at the width of the stack pointer. */
export function openSlot(b: Builder, pointer: PointerSize, address: I64, access: Access): Place {
  return b.openAt(b.trunc(address, pointer), access, b.size, true)
}

/** Pushes a bound value of the operand size. Every other access of the instruction is open by now. */
export function pushTo(b: Builder, pointer: PointerSize, value: I64): void {
  const top = b.let(b.trunc(i64.sub(stackPointer(b, pointer), i64.const(b.size)), pointer))
  const slot = openSlot(b, pointer, top, 'w')
  b.put(slot, value)
  b.put(b.gpr(RSP, pointer), top)
}
