/** Comparison, and the minimum and maximum of SSE. */
import type { FloatEnvironment } from './environment.ts'
import { IE } from './environment.ts'
import type { Unpacked } from './format.ts'
import { INF, QNAN, SNAN, ZERO } from './format.ts'
import { noteDenormals, operand } from './nan.ts'

export type Ordering = -1 | 0 | 1 | 2
export const LESS: Ordering = -1
export const EQUAL: Ordering = 0
export const GREATER: Ordering = 1
export const UNORDERED: Ordering = 2

/** @param signalling a quiet NaN is invalid too (comiss, fcom), not only a signalling one (ucomiss, fucom) */
export function compare(env: FloatEnvironment, first: Unpacked, second: Unpacked, signalling: boolean): Ordering {
  const a = operand(env, first)
  const b = operand(env, second)
  if (a.kind >= QNAN || b.kind >= QNAN) {
    if (signalling || a.kind >= SNAN || b.kind >= SNAN) env.raise(IE)
    return UNORDERED
  }
  noteDenormals(env, a, b)
  return order(a, b)
}

/** The order of two values, neither a NaN nor unsupported. */
export function order(a: Unpacked, b: Unpacked): Ordering {
  if (a.kind === ZERO && b.kind === ZERO) return EQUAL
  if (a.kind === ZERO) return b.sign === 1 ? GREATER : LESS
  if (b.kind === ZERO || a.sign !== b.sign) return a.sign === 1 ? LESS : GREATER
  const magnitude = orderMagnitudes(a, b)
  return a.sign === 1 ? (-magnitude as Ordering) : magnitude
}

function orderMagnitudes(a: Unpacked, b: Unpacked): Ordering {
  if (a.kind === INF || b.kind === INF) {
    if (a.kind === b.kind) return EQUAL
    return a.kind === INF ? GREATER : LESS
  }
  if (a.exp !== b.exp) return a.exp > b.exp ? GREATER : LESS
  if (a.sig === b.sig) return EQUAL
  return a.sig > b.sig ? GREATER : LESS
}

/** minss: the second operand unless the first is strictly less; NaNs and equal zeros yield the second as it is. */
export function minimum(env: FloatEnvironment, a: Unpacked, b: Unpacked): Unpacked {
  return compare(env, a, b, true) === LESS ? operand(env, a) : operand(env, b)
}

/** maxss: the second operand unless the first is strictly greater. */
export function maximum(env: FloatEnvironment, a: Unpacked, b: Unpacked): Unpacked {
  return compare(env, a, b, true) === GREATER ? operand(env, a) : operand(env, b)
}
