/**
 * Constructors of expressions, one per WebAssembly instruction that the engine uses, grouped by type as in the specification
 * (`i64.add(a, b)`). Constants are folded where that is cheap to see; nothing else is rearranged.
 */
import { Expr, type I32, type WasmType } from './expr.ts'

export { f32, f64 } from './ops-float.ts'
export { i32, i64 } from './ops-integer.ts'
export { f32x4, f64x2, i8x16, i16x8, i32x4, i64x2, v128 } from './ops-vector.ts'

/** `condition ? a : b`, both evaluated. */
export function select<T extends WasmType>(condition: I32, a: Expr<T>, b: Expr<T>): Expr<T> {
  return new Expr(a.type, 'select', 0x1b, [a, b, condition])
}
