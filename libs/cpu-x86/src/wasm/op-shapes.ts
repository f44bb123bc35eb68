/** Makers of the constructors in ops-*.ts, by the shape of the instruction. */
import { Expr, type I32, type WasmType } from './expr.ts'

export const bin =
  <T extends WasmType, A extends WasmType = T>(type: T, op: number) =>
  (a: Expr<A>, b: Expr<A>): Expr<T> =>
    new Expr(type, 'bin', op, [a, b])
export const un =
  <T extends WasmType, A extends WasmType = T>(type: T, op: number) =>
  (a: Expr<A>): Expr<T> =>
    new Expr(type, 'un', op, [a])
export const load =
  <T extends WasmType>(type: T, op: number) =>
  (address: I32, offset: number = 0): Expr<T> =>
    new Expr(type, 'load', op, [address], offset)
