/** crc32 of SSE4.2 (Intel SDM vol. 2: CRC32). */
import type { Builder } from '../builder/builder.ts'
import type { I64 } from '../wasm/expr.ts'
import { i64 } from '../wasm/ops.ts'
import { carrylessProduct } from './carryless.ts'
import type { Row } from './row.ts'

/**
 * The polynomial of CRC-32C without its highest term, bits reversed, and x^64 divided by it likewise: Barrett's reduction (V. Gopal
 * and others, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction").
 */
const POLYNOMIAL = i64.const(0x05ec76f1)
const QUOTIENT = i64.const(0xdea713f1)
const LOW32 = i64.const(0xffffffff)
const high32 = (x: I64): I64 => i64.shr_u(x, i64.const(32))

/** The remainder after 32 bits (bound). */
function reduced(b: Builder, bits: I64): I64 {
  const times = b.let(i64.and(carrylessProduct(b, bits, QUOTIENT), LOW32))
  return i64.xor(high32(carrylessProduct(b, times, POLYNOMIAL)), times)
}

function crc32(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'rw')
  const data = b.let(b.get(source))
  const mixed = b.let(i64.xor(b.trunc(b.get(target), 4), data))
  if (source.size >= 4) {
    const first = reduced(b, b.let(i64.and(mixed, LOW32)))
    b.put(target, source.size === 4 ? first : reduced(b, b.let(i64.xor(first, high32(data)))))
    return
  }
  // Bits that come in late leave zeros before them.
  const late = i64.shl(mixed, i64.const(32 - 8 * source.size))
  const rest = i64.shr_u(b.trunc(b.get(target), 4), i64.const(8 * source.size))
  b.put(target, i64.xor(rest, reduced(b, b.let(i64.and(late, LOW32)))))
}

const CRC = { name: 'crc32', map: 2, prefix: 'f2', feature: 'sse4_2', def: crc32 } as const

export const rows: readonly Row[] = [
  { ...CRC, code: 0xf0, operands: 'Gy Eb' },
  { ...CRC, code: 0xf1, operands: 'Gy Ev' },
]
