/** SSE4.1: lanes named by an immediate, to and from general registers and memory, and blends. */
import type { Builder } from '../builder/builder.ts'
import type { I32, I64, V128 } from '../wasm/expr.ts'
import { i8x16, i16x8, i32, i32x4, i64, i64x2, select, v128 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import { byteNumbers } from './sse-int-shift.ts'
import { constant16, constant32, extractWord } from './sse-int-shuffle.ts'
import { immediate, zero128 } from './sse-operands.ts'

const laneOf = (b: Builder, count: number): I32 => i32.and(i32.wrap(immediate(b, b.op(2))), i32.const(count - 1))

const extractByte: Definition = (b) => {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  const chosen = i8x16.swizzle(b.get128(source), i8x16.splat(laneOf(b, 16)))
  b.put(target, i64.extend_i32_u(i8x16.extract_u(chosen, 0)))
}

/** The doubleword of a vector with a number that is not known. */
function doubleword(v: V128, lane: I32): I32 {
  const numbers = i32x4.splat(i32.add(i32.mul(lane, i32.const(0x04040404)), i32.const(0x03020100)))
  return i32x4.extract(i8x16.swizzle(v, numbers), 0)
}

const extractDoubleword: Definition = (b) => {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  b.put(target, i64.extend_i32_u(doubleword(b.get128(source), laneOf(b, 4))))
}

const extractQuadword: Definition = (b) => {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  const v = b.get128(source)
  b.put(target, select(laneOf(b, 2), i64x2.extract(v, 1), i64x2.extract(v, 0)))
}

/** `spread` fills all lanes with the value, `isLane` those whose number is the immediate's. */
const insert =
  (count: number, spread: (value: I64) => V128, isLane: (lane: I32) => V128): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    b.put128(target, v128.bitselect(spread(b.get(source)), b.get128(target), isLane(laneOf(b, count))))
  }
const isDoubleword = (lane: I32): V128 => i32x4.eq(i32x4.splat(lane), constant32(0, 1, 2, 3))
const insertByte = insert(
  16,
  (v) => i8x16.splat(i32.wrap(v)),
  (lane) => i8x16.eq(i8x16.splat(lane), byteNumbers),
)
const insertDoubleword = insert(4, (v) => i32x4.splat(i32.wrap(v)), isDoubleword)
const insertQuadword = insert(2, i64x2.splat, (lane) =>
  i64x2.eq(i64x2.splat(i64.extend_i32_u(lane)), constant32(0, 0, 1, 0)),
)

/** Bit n of the immediate set: ones in lane n. */
const chosenDoublewords = (bits: I32): V128 => i32x4.ne(v128.and(i32x4.splat(bits), constant32(1, 2, 4, 8)), zero128)
const chosenQuadwords = (bits: I32): V128 =>
  i64x2.ne(v128.and(i64x2.splat(i64.extend_i32_u(bits)), constant32(1, 0, 2, 0)), zero128)
const chosenWords = (bits: I32): V128 =>
  i16x8.ne(v128.and(i16x8.splat(bits), constant16(1, 2, 4, 8, 16, 32, 64, 128)), zero128)

/** imm[7:6] names the source's lane (not of memory), imm[5:4] the destination's, imm[3:0] lanes that become zero. */
const insertSingle: Definition = (b) => {
  const fromMemory = b.op(1).kind === 'mem'
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'rw')
  const imm = b.let(i32.wrap(immediate(b, b.op(2))))
  const field = (at: number): I32 => i32.and(i32.shr_u(imm, i32.const(at)), i32.const(3))
  const value = fromMemory ? i32.wrap(b.get(source)) : doubleword(b.get128(source), field(6))
  const whole = v128.bitselect(i32x4.splat(value), b.get128(target), isDoubleword(field(4)))
  b.put128(target, v128.andnot(whole, chosenDoublewords(imm)))
}

const blend =
  (chosen: (bits: I32) => V128): Definition =>
  (b) => {
    const source = b.openAligned(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    const mask = chosen(i32.wrap(immediate(b, b.op(2))))
    b.put128(target, v128.bitselect(b.get128(source), b.get128(target), mask))
  }

const SSE41 = { map: 3, prefix: '66', feature: 'sse4_1' } as const

export const rows: readonly Row[] = [
  { ...SSE41, name: 'blendps', code: 0x0c, operands: 'Vx Wx Iub', def: blend(chosenDoublewords) },
  { ...SSE41, name: 'blendpd', code: 0x0d, operands: 'Vx Wx Iub', def: blend(chosenQuadwords) },
  { ...SSE41, name: 'pblendw', code: 0x0e, operands: 'Vx Wx Iub', def: blend(chosenWords) },
  { ...SSE41, name: 'pextrb', code: 0x14, mod: 'reg', operands: 'Rd Vx Iub', def: extractByte },
  { ...SSE41, name: 'pextrb', code: 0x14, mod: 'mem', operands: 'Mb Vx Iub', def: extractByte },
  { ...SSE41, name: 'pextrw', code: 0x15, mod: 'reg', operands: 'Rd Vx Iub', def: extractWord },
  { ...SSE41, name: 'pextrw', code: 0x15, mod: 'mem', operands: 'Mw Vx Iub', def: extractWord },
  { ...SSE41, name: 'pextrd', code: 0x16, w: 0, operands: 'Ed Vx Iub', def: extractDoubleword },
  { ...SSE41, name: 'pextrq', code: 0x16, w: 1, operands: 'Eq Vx Iub', def: extractQuadword },
  { ...SSE41, name: 'extractps', code: 0x17, operands: 'Ed Vx Iub', def: extractDoubleword },
  { ...SSE41, name: 'pinsrb', code: 0x20, mod: 'reg', operands: 'Vx Rd Iub', def: insertByte },
  { ...SSE41, name: 'pinsrb', code: 0x20, mod: 'mem', operands: 'Vx Mb Iub', def: insertByte },
  { ...SSE41, name: 'insertps', code: 0x21, mod: 'reg', operands: 'Vx Ux Iub', def: insertSingle },
  { ...SSE41, name: 'insertps', code: 0x21, mod: 'mem', operands: 'Vx Md Iub', def: insertSingle },
  { ...SSE41, name: 'pinsrd', code: 0x22, w: 0, operands: 'Vx Ed Iub', def: insertDoubleword },
  { ...SSE41, name: 'pinsrq', code: 0x22, w: 1, operands: 'Vx Eq Iub', def: insertQuadword },
]
