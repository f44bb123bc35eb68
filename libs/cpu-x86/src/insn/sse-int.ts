import type { Builder } from '../builder/builder.ts'
import type { V128 } from '../wasm/expr.ts'
import { i8x16, i16x8, i32, i32x4, i64x2, v128 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import { lanes } from './sse-operands.ts'

/** A lane-wise operation; `x` is the destination's old value, `y` the source. Values used twice are bound first. */
export type VectorOperation = (x: V128, y: V128, b: Builder) => V128

/** One operation of two vectors: its opcode in map 0F (SSE2 with prefix 66; MMX without prefix where `mmx` is not false). */
export interface PackedOperation {
  readonly name: string
  readonly code: number
  readonly op: VectorOperation
  /** False where MMX has no such instruction or its 64-bit form is not the low half of the 128-bit form. */
  readonly mmx?: false
  readonly rare?: boolean
}

/** dst = op(dst, src) on whole registers, memory aligned. */
export const packed =
  (op: VectorOperation): Definition =>
  (b) => {
    const source = b.openAligned(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    b.put128(target, op(b.get128(target), b.get128(source), b))
  }

/** Words 1, 3, 5, 7 of two vectors of products: the high halves. */
const highHalves = (low: V128, high: V128): V128 =>
  v128.shuffle(low, high, [2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31])

/** Doublewords 0 and 2 in the low half. */
export const evenDoublewords = (v: V128): V128 =>
  v128.shuffle(v, v, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11])

const highProduct =
  (low: typeof i32x4.extmul_low_i16x8_s, high: typeof i32x4.extmul_low_i16x8_s): VectorOperation =>
  (x, y, b) => {
    const p = b.let(x)
    const q = b.let(y)
    return highHalves(low(p, q), high(p, q))
  }

/** Sums of |x - y| over each group of eight bytes, as two 64-bit values. */
const sumOfDifferences: VectorOperation = (x, y, b) => {
  const p = b.let(x)
  const q = b.let(y)
  const difference = v128.or(i8x16.sub_sat_u(p, q), i8x16.sub_sat_u(q, p))
  const quarters = b.let(i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(difference)))
  return i64x2.add(v128.and(quarters, lanes(64, 0xffffffffn)), i64x2.shr_u(quarters, i32.const(32)))
}

/** pmuludq: products of the even unsigned doublewords. */
const multiplyEven: VectorOperation = (x, y, b) =>
  i64x2.extmul_low_i32x4_u(evenDoublewords(b.let(x)), evenDoublewords(b.let(y)))

/** ~x & y. */
export const andNot: VectorOperation = (x, y) => v128.andnot(y, x)

export const packedOperations: readonly PackedOperation[] = [
  { name: 'paddb', code: 0xfc, op: i8x16.add },
  { name: 'paddw', code: 0xfd, op: i16x8.add },
  { name: 'paddd', code: 0xfe, op: i32x4.add },
  { name: 'paddq', code: 0xd4, op: i64x2.add },
  { name: 'paddsb', code: 0xec, op: i8x16.add_sat_s },
  { name: 'paddsw', code: 0xed, op: i16x8.add_sat_s },
  { name: 'paddusb', code: 0xdc, op: i8x16.add_sat_u },
  { name: 'paddusw', code: 0xdd, op: i16x8.add_sat_u },
  { name: 'psubb', code: 0xf8, op: i8x16.sub },
  { name: 'psubw', code: 0xf9, op: i16x8.sub },
  { name: 'psubd', code: 0xfa, op: i32x4.sub },
  { name: 'psubq', code: 0xfb, op: i64x2.sub },
  { name: 'psubsb', code: 0xe8, op: i8x16.sub_sat_s },
  { name: 'psubsw', code: 0xe9, op: i16x8.sub_sat_s },
  { name: 'psubusb', code: 0xd8, op: i8x16.sub_sat_u },
  { name: 'psubusw', code: 0xd9, op: i16x8.sub_sat_u },
  { name: 'pmullw', code: 0xd5, op: i16x8.mul },
  { name: 'pmulhw', code: 0xe5, op: highProduct(i32x4.extmul_low_i16x8_s, i32x4.extmul_high_i16x8_s) },
  { name: 'pmulhuw', code: 0xe4, op: highProduct(i32x4.extmul_low_i16x8_u, i32x4.extmul_high_i16x8_u) },
  { name: 'pmuludq', code: 0xf4, op: multiplyEven },
  { name: 'pmaddwd', code: 0xf5, op: i32x4.dot_i16x8_s },
  { name: 'psadbw', code: 0xf6, op: sumOfDifferences, rare: true },
  { name: 'pavgb', code: 0xe0, op: i8x16.avgr_u },
  { name: 'pavgw', code: 0xe3, op: i16x8.avgr_u },
  { name: 'pminub', code: 0xda, op: i8x16.min_u },
  { name: 'pmaxub', code: 0xde, op: i8x16.max_u },
  { name: 'pminsw', code: 0xea, op: i16x8.min_s },
  { name: 'pmaxsw', code: 0xee, op: i16x8.max_s },
  { name: 'pcmpeqb', code: 0x74, op: i8x16.eq },
  { name: 'pcmpeqw', code: 0x75, op: i16x8.eq },
  { name: 'pcmpeqd', code: 0x76, op: i32x4.eq },
  { name: 'pcmpgtb', code: 0x64, op: i8x16.gt_s },
  { name: 'pcmpgtw', code: 0x65, op: i16x8.gt_s },
  { name: 'pcmpgtd', code: 0x66, op: i32x4.gt_s },
  { name: 'pand', code: 0xdb, op: v128.and },
  { name: 'pandn', code: 0xdf, op: andNot },
  { name: 'por', code: 0xeb, op: v128.or },
  { name: 'pxor', code: 0xef, op: v128.xor },
  { name: 'packsswb', code: 0x63, op: i8x16.narrow_i16x8_s, mmx: false },
  { name: 'packuswb', code: 0x67, op: i8x16.narrow_i16x8_u, mmx: false },
  { name: 'packssdw', code: 0x6b, op: i16x8.narrow_i32x4_s, mmx: false },
]

/** Logic on float registers: the same bits, other opcodes. */
const floatLogic: readonly (readonly [string, number, VectorOperation])[] = [
  ['and', 0x54, v128.and],
  ['andn', 0x55, andNot],
  ['or', 0x56, v128.or],
  ['xor', 0x57, v128.xor],
]

export const rows: readonly Row[] = [
  ...packedOperations.map(
    ({ name, code, op, rare = false }): Row => ({
      name,
      map: 1,
      code,
      prefix: '66',
      operands: 'Vx Wx',
      rare,
      def: packed(op),
    }),
  ),
  ...floatLogic.flatMap(([name, code, op]): readonly Row[] => [
    { name: `${name}ps`, map: 1, code, prefix: 'np', operands: 'Vx Wx', def: packed(op) },
    { name: `${name}pd`, map: 1, code, prefix: '66', operands: 'Vx Wx', def: packed(op) },
  ]),
]
