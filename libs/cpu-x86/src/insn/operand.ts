/** How the integer families read a source and update a destination. */
import type { Builder, Place } from '../builder/builder.ts'
import type { Operand } from '../decode/decoded.ts'
import type { I64 } from '../wasm/expr.ts'
import { i64 } from '../wasm/ops.ts'

/** Opens a source and binds its value, zero-extended from the operation's size (immediates as the row extends them). */
export function readSource(b: Builder, operand: Operand): I64 {
  const known = b.known(operand)
  if (known !== undefined) return b.let(i64.const(BigInt.asUintN(8 * b.size, known)))
  const source = b.open(operand, 'r')
  return b.let(operand.kind === 'imm' ? b.trunc(b.getSigned(source)) : b.get(source))
}

/** Writes `next(old)` to an open 'rw' place; answers the old and the new value, both bound and of the operation's size. */
export function update(b: Builder, place: Place, next: (old: I64) => I64): { readonly x: I64; readonly r: I64 } {
  if (b.insn.lock) {
    const x = b.rmw(place, next, true)
    return { x, r: b.let(b.trunc(next(x))) }
  }
  const x = b.let(b.get(place))
  const r = b.let(b.trunc(next(x)))
  b.put(place, r)
  return { x, r }
}
