/** Product of 64-bit polynomials over GF(2) (Intel SDM vol. 2: PCLMULQDQ). */
import type { Builder } from '../builder/builder.ts'
import type { I64, V128 } from '../wasm/expr.ts'
import { i32, i64, i64x2, select } from '../wasm/ops.ts'
import { carrylessProduct } from './carryless.ts'
import type { Row } from './row.ts'
import { immediate, low64 } from './sse-operands.ts'

/** By three products of halves (Karatsuba). */
function product(b: Builder, x: I64, y: I64): V128 {
  const low = (v: I64): I64 => b.let(i64.and(v, i64.const(0xffffffff)))
  const high = (v: I64): I64 => b.let(i64.shr_u(v, i64.const(32)))
  const [xl, xh, yl, yh] = [low(x), high(x), low(y), high(y)]
  const lows = b.let(carrylessProduct(b, xl, yl))
  const highs = b.let(carrylessProduct(b, xh, yh))
  const both = carrylessProduct(b, b.let(i64.xor(xl, xh)), b.let(i64.xor(yl, yh)))
  const middle = b.let(i64.xor(both, i64.xor(lows, highs)))
  const first = low64(i64.xor(lows, i64.shl(middle, i64.const(32))))
  return i64x2.replace(first, 1, i64.xor(highs, i64.shr_u(middle, i64.const(32))))
}

/** Bits 0 and 4 of the immediate choose the upper halves. */
function multiplyPolynomials(b: Builder): void {
  const source = b.openAligned(b.op(1), 'r')
  const target = b.open(b.op(0), 'rw')
  const imm = b.let(i32.wrap(immediate(b, b.op(2))))
  const half = (v: V128, bit: number): I64 =>
    b.let(select(i32.and(imm, i32.const(bit)), i64x2.extract(v, 1), i64x2.extract(v, 0)))
  b.put128(target, product(b, half(b.get128(target), 0x01), half(b.get128(source), 0x10)))
}

export const rows: readonly Row[] = [
  {
    name: 'pclmulqdq',
    map: 3,
    code: 0x44,
    prefix: '66',
    feature: 'pclmulqdq',
    operands: 'Vx Wx Iub',
    def: multiplyPolynomials,
  },
]
