/**
 * Instructions that move lanes about. Where the choice is in an immediate, the byte numbers for a swizzle are computed with vector
 * arithmetic (the cold tier does not know immediates while it is generated); regions fold them into a constant shuffle.
 */
import type { Builder } from '../builder/builder.ts'
import type { I64, V128 } from '../wasm/expr.ts'
import { i8x16, i16x8, i32, i32x4, i64, i64x2, select, v128 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import { packed, type VectorOperation } from './sse-int.ts'
import { immediate, lanes } from './sse-operands.ts'

export const constant16 = (...words: readonly number[]): V128 =>
  v128.const(Uint8Array.from(words.flatMap((w) => [w & 255, (w >> 8) & 255])))
export const constant32 = (...words: readonly number[]): V128 =>
  v128.const(Uint8Array.from(words.flatMap((w) => [w & 255, (w >> 8) & 255, (w >> 16) & 255, w >>> 24])))

/** Interleaves the low or high halves of two vectors, `size` bytes at a time. */
export function interleave(size: 1 | 2 | 4 | 8, high: boolean): VectorOperation {
  const numbers: number[] = []
  for (let at = high ? 8 : 0; numbers.length < 16; at += size) {
    for (const base of [0, 16]) for (let i = 0; i < size; i++) numbers.push(base + at + i)
  }
  return (x, y) => v128.shuffle(x, y, numbers)
}

/** Byte numbers of four doublewords chosen by the bit pairs of an immediate. */
function doublewordNumbers(imm: I64): V128 {
  const pairs = i32x4.mul(i32x4.splat(i32.wrap(imm)), constant32(64, 16, 4, 1))
  const chosen = v128.and(i32x4.shr_u(pairs, i32.const(6)), lanes(32, 3))
  return i32x4.add(i32x4.mul(chosen, lanes(32, 0x04040404)), lanes(32, 0x03020100))
}

/** Byte numbers of `size`-byte lanes in the order of an immediate's bit pairs, from lane `first` on; the rest in place. */
function knownNumbers(imm: bigint, size: 2 | 4, first: number): readonly number[] {
  const order = Array.from({ length: 16 / size }, (_, i) => i)
  for (let i = 0; i < 4; i++) order[first + i] = first + Number((imm >> BigInt(2 * i)) & 3n)
  return order.flatMap((lane) => Array.from({ length: size }, (_, i) => lane * size + i))
}

function shuffleDoublewords(b: Builder): void {
  const source = b.openAligned(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  const imm = b.known(b.op(2))
  const x = b.get128(source)
  if (imm !== undefined) {
    const v = b.let(x)
    b.put128(target, v128.shuffle(v, v, knownNumbers(imm, 4, 0)))
  } else b.put128(target, i8x16.swizzle(x, doublewordNumbers(immediate(b, b.op(2)))))
}

/** Byte numbers of words: four from word `first` on chosen among themselves by the bit pairs of an immediate, the others in place. */
export function wordNumbers(imm: I64, first: 0 | 4): V128 {
  const factors = [0, 0, 0, 0, 0, 0, 0, 0]
  const bases = Array.from({ length: 8 }, (_, i) => 0x0100 + 0x0202 * i)
  for (let i = 0; i < 4; i++) {
    factors[first + i] = 64 >> (2 * i)
    bases[first + i] = 0x0100 + 0x0202 * first
  }
  const pairs = i16x8.mul(i16x8.splat(i32.wrap(imm)), constant16(...factors))
  const chosen = v128.and(i16x8.shr_u(pairs, i32.const(6)), lanes(16, 3))
  return i16x8.add(i16x8.mul(chosen, lanes(16, 0x0202)), constant16(...bases))
}

/** pshuflw, pshufhw: four words of one half by the immediate's bit pairs, the other half copied. */
const shuffleWords =
  (first: 0 | 4): Definition =>
  (b) => {
    const source = b.openAligned(b.op(1), 'r')
    const target = b.open(b.op(0), 'w')
    const imm = b.known(b.op(2))
    const v = b.let(b.get128(source))
    if (imm !== undefined) b.put128(target, v128.shuffle(v, v, knownNumbers(imm, 2, first)))
    else b.put128(target, i8x16.swizzle(v, wordNumbers(immediate(b, b.op(2)), first)))
  }

/** Two doublewords of the destination, then two of the source. */
function shuffleSingles(b: Builder): void {
  const source = b.openAligned(b.op(1), 'r')
  const target = b.open(b.op(0), 'rw')
  const x = b.get128(target)
  const y = b.get128(source)
  const imm = b.known(b.op(2))
  if (imm !== undefined) {
    const numbers = knownNumbers(imm, 4, 0).map((n, i) => (i < 8 ? n : n + 16))
    b.put128(target, v128.shuffle(x, y, numbers))
    return
  }
  const numbers = b.let(doublewordNumbers(immediate(b, b.op(2))))
  const halves = [0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31]
  b.put128(target, v128.shuffle(i8x16.swizzle(x, numbers), i8x16.swizzle(y, numbers), halves))
}

/** One quadword of the destination, then one of the source. */
function shuffleDoubles(b: Builder): void {
  const source = b.openAligned(b.op(1), 'r')
  const target = b.open(b.op(0), 'rw')
  const imm = b.let(immediate(b, b.op(2)))
  const choose = (v: V128, bit: number): I64 =>
    select(i32.wrap(i64.and(i64.shr_u(imm, i64.const(bit)), i64.const(1))), i64x2.extract(v, 1), i64x2.extract(v, 0))
  const x = b.let(b.get128(target))
  const y = b.let(b.get128(source))
  b.put128(target, i64x2.replace(i64x2.splat(choose(x, 0)), 1, choose(y, 1)))
}

/** Puts the low word of the source in the lane that the immediate names. */
function insertWord(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'rw')
  const lane = i32.and(i32.wrap(immediate(b, b.op(2))), i32.const(7))
  const mask = i16x8.eq(i16x8.splat(lane), constant16(0, 1, 2, 3, 4, 5, 6, 7))
  b.put128(target, v128.bitselect(i16x8.splat(i32.wrap(b.get(source))), b.get128(target), mask))
}

export function extractWord(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  const lane = i32.and(i32.wrap(immediate(b, b.op(2))), i32.const(7))
  const numbers = i16x8.splat(i32.add(i32.mul(lane, i32.const(0x0202)), i32.const(0x0100)))
  b.put(target, i64.extend_i32_u(i16x8.extract_u(i8x16.swizzle(b.get128(source), numbers), 0)))
}

const unpack = (name: string, code: number, prefix: 'np' | '66', size: 1 | 2 | 4 | 8, high: boolean): Row => ({
  name,
  map: 1,
  code,
  prefix,
  operands: 'Vx Wx',
  def: packed(interleave(size, high)),
})

export const rows: readonly Row[] = [
  unpack('punpcklbw', 0x60, '66', 1, false),
  unpack('punpcklwd', 0x61, '66', 2, false),
  unpack('punpckldq', 0x62, '66', 4, false),
  unpack('punpcklqdq', 0x6c, '66', 8, false),
  unpack('punpckhbw', 0x68, '66', 1, true),
  unpack('punpckhwd', 0x69, '66', 2, true),
  unpack('punpckhdq', 0x6a, '66', 4, true),
  unpack('punpckhqdq', 0x6d, '66', 8, true),
  unpack('unpcklps', 0x14, 'np', 4, false),
  unpack('unpcklpd', 0x14, '66', 8, false),
  unpack('unpckhps', 0x15, 'np', 4, true),
  unpack('unpckhpd', 0x15, '66', 8, true),
  { name: 'pshufd', map: 1, code: 0x70, prefix: '66', operands: 'Vx Wx Iub', def: shuffleDoublewords },
  { name: 'pshuflw', map: 1, code: 0x70, prefix: 'f2', operands: 'Vx Wx Iub', def: shuffleWords(0) },
  { name: 'pshufhw', map: 1, code: 0x70, prefix: 'f3', operands: 'Vx Wx Iub', def: shuffleWords(4) },
  { name: 'shufps', map: 1, code: 0xc6, prefix: 'np', operands: 'Vx Wx Iub', def: shuffleSingles },
  { name: 'shufpd', map: 1, code: 0xc6, prefix: '66', operands: 'Vx Wx Iub', def: shuffleDoubles },
  { name: 'pinsrw', map: 1, code: 0xc4, prefix: '66', mod: 'reg', operands: 'Vx Rd Iub', def: insertWord },
  { name: 'pinsrw', map: 1, code: 0xc4, prefix: '66', mod: 'mem', operands: 'Vx Mw Iub', def: insertWord },
  { name: 'pextrw', map: 1, code: 0xc5, prefix: '66', mod: 'reg', operands: 'Gd Ux Iub', def: extractWord },
]
