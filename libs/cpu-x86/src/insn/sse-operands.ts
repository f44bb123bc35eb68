import type { Builder } from '../builder/builder.ts'
import type { Operand } from '../decode/decoded.ts'
import type { I64, V128 } from '../wasm/expr.ts'
import { i64, i64x2, v128 } from '../wasm/ops.ts'

/** Sixteen bytes of zero. */
export const zero128: V128 = v128.const(new Uint8Array(16))

/** The same 8-, 16-, 32- or 64-bit value in every lane. */
export function lanes(bits: 8 | 16 | 32 | 64, value: bigint | number): V128 {
  const bytes = new Uint8Array(16)
  let rest = BigInt.asUintN(bits, BigInt(value))
  for (let i = 0; i < bits / 8; i++, rest >>= 8n) {
    for (let at = i; at < 16; at += bits / 8) bytes[at] = Number(rest & 255n)
  }
  return v128.const(bytes)
}

/** A vector with `value` in its low 64 bits and zero above. */
export function low64(value: I64): V128 {
  return i64x2.replace(zero128, 0, value)
}

/** All ones in all lanes if the condition (0 or 1) holds, else zero. */
export function maskIf(condition: I64): V128 {
  return i64x2.splat(i64.sub(i64.const(0), condition))
}

/** The value of an immediate operand, a constant where the tier knows it. */
export function immediate(b: Builder, operand: Operand): I64 {
  const value = b.known(operand)
  return value === undefined ? b.get(b.open(operand, 'r')) : i64.const(value)
}
