import { Expr, type I32, type I64 } from '../wasm/expr.ts'

/** i64.atomic.rmw{8,16,32}.cmpxchg_u and i64.atomic.rmw.cmpxchg by size (threads proposal). */
const COMPARE_EXCHANGE: Readonly<Record<number, number>> = { 1: 0xfe004c, 2: 0xfe004d, 4: 0xfe004e, 8: 0xfe0049 }

/**
 * The old value at `host + offset`, which is replaced if it equals `expected`. `host` is a multiple of `size`: WebAssembly
 * traps otherwise.
 */
export function atomicCompareExchange(host: I32, offset: number, size: number, expected: I64, replacement: I64): I64 {
  return new Expr('i64', 'atomic', COMPARE_EXCHANGE[size], [host, expected, replacement], offset)
}

/** i32.atomic.rmw.add at a multiple of 4. */
export function atomicAdd(host: I32, offset: number, value: I32): I32 {
  return new Expr('i32', 'atomic', 0xfe001e, [host, value], offset)
}
