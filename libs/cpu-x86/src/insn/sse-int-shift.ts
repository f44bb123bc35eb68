import type { Builder } from '../builder/builder.ts'
import type { I32, I64, V128 } from '../wasm/expr.ts'
import { i8x16, i16x8, i32, i32x4, i64, i64x2, select, v128 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import { immediate, lanes, maskIf, zero128 } from './sse-operands.ts'

type LaneShift = (v: V128, count: I32) => V128

/** A shift of all lanes by a 64-bit count, which WebAssembly would take modulo the lane's width. */
export type VectorShift = (b: Builder, v: V128, count: I64) => V128

/** Counts of the lane's width and more give zero. */
const logical =
  (shift: LaneShift, bits: number): VectorShift =>
  (b, v, count) => {
    if (count.shape === 'const') {
      return BigInt(count.imm) < BigInt(bits) ? shift(v, i32.wrap(count)) : zero128
    }
    const n = b.let(count)
    return v128.and(shift(v, i32.wrap(n)), maskIf(i64.extend_i32_u(i64.lt_u(n, i64.const(bits)))))
  }

/** Counts of the lane's width and more fill it with the sign. */
const arithmetic =
  (shift: LaneShift, bits: number): VectorShift =>
  (b, v, count) => {
    if (count.shape === 'const') {
      return shift(v, i32.const(Math.min(Number(count.imm), bits - 1)))
    }
    const n = b.let(count)
    return shift(v, i32.wrap(select(i64.lt_u(n, i64.const(bits)), n, i64.const(bits - 1))))
  }

/** 0 to 15. */
export const byteNumbers: V128 = v128.const(Uint8Array.from({ length: 16 }, (_, i) => i))

/** At most `limit`, in every byte. */
export function byteCount(count: I64, limit: 16 | 32): V128 {
  return i8x16.min_u(i8x16.splat(i32.wrap(count)), lanes(8, limit))
}

/** swizzle answers zero for byte numbers of 16 and more, so also for those that wrapped below zero. */
const shiftBytesLeft: VectorShift = (_, v, count) => i8x16.swizzle(v, i8x16.sub(byteNumbers, byteCount(count, 16)))
const shiftBytesRight: VectorShift = (_, v, count) => i8x16.swizzle(v, i8x16.add(byteNumbers, byteCount(count, 16)))

/** Name, opcode with the count in a register, opcode and extension with an immediate count. */
export const shifts: readonly (readonly [string, VectorShift, number, number, number])[] = [
  ['psrlw', logical(i16x8.shr_u, 16), 0xd1, 0x71, 2],
  ['psrld', logical(i32x4.shr_u, 32), 0xd2, 0x72, 2],
  ['psrlq', logical(i64x2.shr_u, 64), 0xd3, 0x73, 2],
  ['psraw', arithmetic(i16x8.shr_s, 16), 0xe1, 0x71, 4],
  ['psrad', arithmetic(i32x4.shr_s, 32), 0xe2, 0x72, 4],
  ['psllw', logical(i16x8.shl, 16), 0xf1, 0x71, 6],
  ['pslld', logical(i32x4.shl, 32), 0xf2, 0x72, 6],
  ['psllq', logical(i64x2.shl, 64), 0xf3, 0x73, 6],
]

const byRegister =
  (shift: VectorShift): Definition =>
  (b) => {
    const source = b.openAligned(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    b.put128(target, shift(b, b.get128(target), i64x2.extract(b.get128(source), 0)))
  }

const byImmediate =
  (shift: VectorShift): Definition =>
  (b) => {
    const target = b.open(b.op(0), 'rw')
    b.put128(target, shift(b, b.get128(target), immediate(b, b.op(1))))
  }

const immediateRow = (name: string, shift: VectorShift, code: number, ext: number): Row => ({
  name,
  map: 1,
  code,
  prefix: '66',
  ext,
  mod: 'reg',
  operands: 'Ux Iub',
  def: byImmediate(shift),
})

export const rows: readonly Row[] = [
  ...shifts.flatMap(([name, shift, code, group, ext]): readonly Row[] => [
    { name, map: 1, code, prefix: '66', operands: 'Vx Wx', def: byRegister(shift) },
    immediateRow(name, shift, group, ext),
  ]),
  immediateRow('psrldq', shiftBytesRight, 0x73, 3),
  immediateRow('pslldq', shiftBytesLeft, 0x73, 7),
]
