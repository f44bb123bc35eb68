/** SSE4.1 but for what computes in floating point (sse-float-convert.ts) and what names lanes (sse41-lanes.ts); pcmpgtq of SSE4.2. */
import type { Builder } from '../builder/builder.ts'
import type { I32, V128 } from '../wasm/expr.ts'
import { i8x16, i16x8, i32, i32x4, i64, i64x2, v128 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import { evenDoublewords, packed, type VectorOperation } from './sse-int.ts'
import { byteNumbers } from './sse-int-shift.ts'
import { immediate, low64, zero128 } from './sse-operands.ts'

/** Lanes of the source where xmm0's lanes have their sign set. */
const blendBySign =
  (shift: (v: V128, count: I32) => V128, bits: number): Definition =>
  (b) => {
    const source = b.openAligned(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    const mask = shift(b.get128(b.xmm(0, 16)), i32.const(bits - 1))
    b.put128(target, v128.bitselect(b.get128(source), b.get128(target), mask))
  }

/** ZF: no bit of source and destination in common; CF: none of the source outside of the destination. */
function testBits(b: Builder): void {
  const source = b.get128(b.openAligned(b.op(1), 'r'))
  const target = b.get128(b.open(b.op(0), 'r'))
  const isZero = (v: V128): I32 => i32.eqz(v128.anyTrue(v))
  const zf = i32.shl(isZero(v128.and(source, target)), i32.const(6))
  b.flags({ kind: 'bits', rflags: b.let(i64.extend_i32_u(i32.or(zf, isZero(v128.andnot(source, target))))) })
}

/** Widens the low lanes of the source. */
const extend =
  (...steps: readonly ((v: V128) => V128)[]): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'w')
    b.put128(
      target,
      steps.reduce((v, step) => step(v), low64(b.get(source))),
    )
  }

const multiplyEvenSigned: VectorOperation = (x, y, b) =>
  i64x2.extmul_low_i32x4_s(evenDoublewords(b.let(x)), evenDoublewords(b.let(y)))

/** The least word and, above it, the number of its first lane: each word with its number below it, by the unsigned minimum. */
const minimumWord: VectorOperation = (_, y, b) => {
  const v = b.let(y)
  const numbered = (half: V128, first: number): V128 =>
    v128.or(i32x4.shl(half, i32.const(16)), i32x4.add(i32x4.splat(i32.const(first)), laneNumbers))
  const four = b.let(i32x4.min_u(numbered(i32x4.extend_low_i16x8_u(v), 0), numbered(i32x4.extend_high_i16x8_u(v), 4)))
  const two = b.let(i32x4.min_u(four, v128.shuffle(four, four, [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7])))
  const one = i32x4.extract(
    i32x4.min_u(two, v128.shuffle(two, two, [4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3])),
    0,
  )
  return i32x4.replace(zero128, 0, i32.rotl(one, i32.const(16)))
}
const laneNumbers: V128 = v128.const(Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0))

/** Eight sums of four differences: bytes from a place of x on, against one group of four bytes of y. */
function sumsOfDifferences(b: Builder): void {
  const source = b.openAligned(b.op(1), 'r')
  const target = b.open(b.op(0), 'rw')
  const imm = b.let(i32.wrap(immediate(b, b.op(2))))
  const x = b.get128(target)
  const y = b.get128(source)
  const from = b.let(i32.and(imm, i32.const(4)))
  const group = b.let(i32.shl(i32.and(imm, i32.const(3)), i32.const(2)))
  let sums: V128 | undefined
  for (let k = 0; k < 4; k++) {
    const window = i8x16.swizzle(x, i8x16.add(byteNumbers, i8x16.splat(i32.add(from, i32.const(k)))))
    const byte = i8x16.swizzle(y, i8x16.splat(i32.add(group, i32.const(k))))
    const difference = i16x8.abs(i16x8.sub(i16x8.extend_low_i8x16_u(window), i16x8.extend_low_i8x16_u(byte)))
    sums = sums === undefined ? difference : i16x8.add(sums, difference)
  }
  if (sums !== undefined) b.put128(target, sums)
}

const loadAligned: Definition = (b) => {
  const source = b.openAligned(b.op(1), 'r')
  b.put128(b.open(b.op(0), 'w'), b.get128(source))
}

const operations: readonly (readonly [string, number, VectorOperation])[] = [
  ['pmuldq', 0x28, multiplyEvenSigned],
  ['pcmpeqq', 0x29, i64x2.eq],
  ['packusdw', 0x2b, i16x8.narrow_i32x4_u],
  ['pminsb', 0x38, i8x16.min_s],
  ['pminsd', 0x39, i32x4.min_s],
  ['pminuw', 0x3a, i16x8.min_u],
  ['pminud', 0x3b, i32x4.min_u],
  ['pmaxsb', 0x3c, i8x16.max_s],
  ['pmaxsd', 0x3d, i32x4.max_s],
  ['pmaxuw', 0x3e, i16x8.max_u],
  ['pmaxud', 0x3f, i32x4.max_u],
  ['pmulld', 0x40, i32x4.mul],
]

const extensions: readonly (readonly [string, number, string, Definition])[] = [
  ['pmovsxbw', 0x20, 'Vx Wq', extend(i16x8.extend_low_i8x16_s)],
  ['pmovsxbd', 0x21, 'Vx Wd', extend(i16x8.extend_low_i8x16_s, i32x4.extend_low_i16x8_s)],
  ['pmovsxbq', 0x22, 'Vx Ww', extend(i16x8.extend_low_i8x16_s, i32x4.extend_low_i16x8_s, i64x2.extend_low_i32x4_s)],
  ['pmovsxwd', 0x23, 'Vx Wq', extend(i32x4.extend_low_i16x8_s)],
  ['pmovsxwq', 0x24, 'Vx Wd', extend(i32x4.extend_low_i16x8_s, i64x2.extend_low_i32x4_s)],
  ['pmovsxdq', 0x25, 'Vx Wq', extend(i64x2.extend_low_i32x4_s)],
  ['pmovzxbw', 0x30, 'Vx Wq', extend(i16x8.extend_low_i8x16_u)],
  ['pmovzxbd', 0x31, 'Vx Wd', extend(i16x8.extend_low_i8x16_u, i32x4.extend_low_i16x8_u)],
  ['pmovzxbq', 0x32, 'Vx Ww', extend(i16x8.extend_low_i8x16_u, i32x4.extend_low_i16x8_u, i64x2.extend_low_i32x4_u)],
  ['pmovzxwd', 0x33, 'Vx Wq', extend(i32x4.extend_low_i16x8_u)],
  ['pmovzxwq', 0x34, 'Vx Wd', extend(i32x4.extend_low_i16x8_u, i64x2.extend_low_i32x4_u)],
  ['pmovzxdq', 0x35, 'Vx Wq', extend(i64x2.extend_low_i32x4_u)],
]

const SSE41 = { map: 2, prefix: '66', feature: 'sse4_1', operands: 'Vx Wx' } as const

export const rows: readonly Row[] = [
  ...operations.map(([name, code, op]): Row => ({ ...SSE41, name, code, def: packed(op) })),
  ...extensions.map(([name, code, operands, def]): Row => ({ ...SSE41, name, code, operands, def })),
  { ...SSE41, name: 'pblendvb', code: 0x10, def: blendBySign(i8x16.shr_s, 8) },
  { ...SSE41, name: 'blendvps', code: 0x14, def: blendBySign(i32x4.shr_s, 32) },
  { ...SSE41, name: 'blendvpd', code: 0x15, def: blendBySign(i64x2.shr_s, 64) },
  { ...SSE41, name: 'ptest', code: 0x17, writes: 'oszapc', def: testBits },
  { ...SSE41, name: 'movntdqa', code: 0x2a, mod: 'mem', operands: 'Vx Mx', def: loadAligned },
  { ...SSE41, name: 'phminposuw', code: 0x41, rare: true, def: packed(minimumWord) },
  { ...SSE41, name: 'mpsadbw', map: 3, code: 0x42, operands: 'Vx Wx Iub', rare: true, def: sumsOfDifferences },
  { ...SSE41, name: 'pcmpgtq', code: 0x37, feature: 'sse4_2', def: packed(i64x2.gt_s) },
]
