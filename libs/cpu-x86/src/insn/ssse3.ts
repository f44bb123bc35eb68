/** SSE3 moves and SSSE3, the latter with its MMX forms. */
import type { V128 } from '../wasm/expr.ts'
import { i8x16, i16x8, i32, i32x4, i64x2, v128 } from '../wasm/ops.ts'
import { mmxRow, packedMmx, sideBySide } from './mmx.ts'
import type { Definition, Row } from './row.ts'
import { packed, type VectorOperation } from './sse-int.ts'
import { byteCount, byteNumbers } from './sse-int-shift.ts'
import { immediate, lanes } from './sse-operands.ts'

/** Index bytes with bit 7 set give zero; `swizzle` does that for all numbers beyond 15. */
const shuffleBytes =
  (mask: number): VectorOperation =>
  (x, y) =>
    i8x16.swizzle(x, v128.and(y, lanes(8, 0x80 | mask)))

type Pairs = (even: V128, odd: V128) => V128

/** Neighbouring lanes of x, then of y. */
const horizontal =
  (bytes: 2 | 4, op: Pairs): VectorOperation =>
  (x, y, b) => {
    const even = Array.from({ length: 16 }, (_, i) => Math.floor(i / bytes) * 2 * bytes + (i % bytes))
    const p = b.let(x)
    const q = b.let(y)
    const odd = even.map((n) => n + bytes)
    return op(v128.shuffle(p, q, even), v128.shuffle(p, q, odd))
  }

/** Unsigned bytes of x times signed bytes of y, neighbours added with saturation. */
const multiplyBytes: VectorOperation = (x, y, b) => {
  const p = b.let(x)
  const q = b.let(y)
  const eight = i32.const(8)
  const even = i16x8.mul(v128.and(p, lanes(16, 0xff)), i16x8.shr_s(i16x8.shl(q, eight), eight))
  const odd = i16x8.mul(i16x8.shr_u(p, eight), i16x8.shr_s(q, eight))
  return i16x8.add_sat_s(even, odd)
}

/** WebAssembly saturates the one product that does not fit, x86 wraps it. */
const multiplyRounded: VectorOperation = (x, y, b) => {
  const p = b.let(x)
  const q = b.let(y)
  const least = lanes(16, 0x8000)
  return v128.xor(i16x8.q15mulr_sat_s(p, q), v128.and(i16x8.eq(p, least), i16x8.eq(q, least)))
}

interface LaneOperations {
  readonly shr_s: typeof i8x16.shr_s
  readonly sub: typeof i8x16.sub
  readonly ne: typeof i8x16.ne
}

/** x negated where y is negative, zero where y is zero. */
const applySign =
  (ops: LaneOperations, bits: 8 | 16 | 32): VectorOperation =>
  (x, y, b) => {
    const q = b.let(y)
    const negative = b.let(ops.shr_s(q, i32.const(bits - 1)))
    return v128.and(ops.sub(v128.xor(x, negative), negative), ops.ne(q, lanes(bits, 0)))
  }

interface Operation {
  readonly name: string
  readonly code: number
  readonly op: VectorOperation
  /** The MMX form, if it is not the low half; where it takes both operands' halves side by side, `sideBySide`. */
  readonly mmx?: VectorOperation
}

const pairs = (name: string, code: number, bytes: 2 | 4, op: Pairs): Operation => {
  const whole = horizontal(bytes, op)
  return { name, code, op: whole, mmx: sideBySide(whole) }
}

const operations: readonly Operation[] = [
  { name: 'pshufb', code: 0x00, op: shuffleBytes(15), mmx: shuffleBytes(7) },
  pairs('phaddw', 0x01, 2, i16x8.add),
  pairs('phaddd', 0x02, 4, i32x4.add),
  pairs('phaddsw', 0x03, 2, i16x8.add_sat_s),
  { name: 'pmaddubsw', code: 0x04, op: multiplyBytes },
  pairs('phsubw', 0x05, 2, i16x8.sub),
  pairs('phsubd', 0x06, 4, i32x4.sub),
  pairs('phsubsw', 0x07, 2, i16x8.sub_sat_s),
  { name: 'psignb', code: 0x08, op: applySign(i8x16, 8) },
  { name: 'psignw', code: 0x09, op: applySign(i16x8, 16) },
  { name: 'psignd', code: 0x0a, op: applySign(i32x4, 32) },
  { name: 'pmulhrsw', code: 0x0b, op: multiplyRounded },
  { name: 'pabsb', code: 0x1c, op: (_, y) => i8x16.abs(y) },
  { name: 'pabsw', code: 0x1d, op: (_, y) => i16x8.abs(y) },
  { name: 'pabsd', code: 0x1e, op: (_, y) => i32x4.abs(y) },
]

/** Bytes `count` to `count + 15` of the 32 that source (low) and destination (high) make. */
const alignRight: Definition = (b) => {
  const source = b.openAligned(b.op(1), 'r')
  const target = b.open(b.op(0), 'rw')
  const count = b.known(b.op(2))
  const low = b.get128(source)
  const high = b.get128(target)
  if (count !== undefined && count <= 16n) {
    const numbers = Array.from({ length: 16 }, (_, i) => i + Number(count))
    b.put128(target, v128.shuffle(low, high, numbers))
    return
  }
  const numbers = b.let(i8x16.add(byteNumbers, byteCount(immediate(b, b.op(2)), 32)))
  const fromHigh = i8x16.swizzle(high, i8x16.sub(numbers, lanes(8, 16)))
  b.put128(target, v128.or(i8x16.swizzle(low, numbers), fromHigh))
}

/** The same of 16 bytes, eight of them. */
const alignRightMmx: Definition = packedMmx((x, y, b) => {
  const numbers = i8x16.add(byteNumbers, byteCount(immediate(b, b.op(2)), 16))
  return i8x16.swizzle(i64x2.replace(y, 1, i64x2.extract(x, 0)), numbers)
})

const copy =
  (change: (v: V128) => V128): Definition =>
  (b) => {
    const source = b.openAligned(b.op(1), 'r')
    b.put128(b.open(b.op(0), 'w'), change(b.let(b.get128(source))))
  }

const duplicateLow: Definition = (b) => {
  const source = b.open(b.op(1), 'r')
  b.put128(b.open(b.op(0), 'w'), i64x2.splat(b.get(source)))
}

const loadUnaligned: Definition = (b) => {
  const source = b.open(b.op(1), 'r')
  b.put128(b.open(b.op(0), 'w'), b.get128(source))
}

const duplicateEven = (v: V128): V128 => v128.shuffle(v, v, [0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11])
const duplicateOdd = (v: V128): V128 => v128.shuffle(v, v, [4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15])

const SSE3 = { map: 1, feature: 'sse3' } as const
const SSSE3 = { feature: 'ssse3' } as const

export const rows: readonly Row[] = [
  { ...SSE3, name: 'movddup', code: 0x12, prefix: 'f2', operands: 'Vx Wq', def: duplicateLow },
  { ...SSE3, name: 'movsldup', code: 0x12, prefix: 'f3', operands: 'Vx Wx', def: copy(duplicateEven) },
  { ...SSE3, name: 'movshdup', code: 0x16, prefix: 'f3', operands: 'Vx Wx', def: copy(duplicateOdd) },
  { ...SSE3, name: 'lddqu', code: 0xf0, prefix: 'f2', mod: 'mem', operands: 'Vx Mx', def: loadUnaligned },
  ...operations.flatMap(({ name, code, op, mmx = op }): readonly Row[] => [
    { ...SSSE3, name, map: 2, code, prefix: '66', operands: 'Vx Wx', def: packed(op) },
    { ...mmxRow(name, code, 'Pq Qq', packedMmx(mmx)), ...SSSE3, map: 2 },
  ]),
  { ...SSSE3, name: 'palignr', map: 3, code: 0x0f, prefix: '66', operands: 'Vx Wx Iub', def: alignRight },
  { ...mmxRow('palignr', 0x0f, 'Pq Qq Iub', alignRightMmx), ...SSSE3, map: 3 },
]
