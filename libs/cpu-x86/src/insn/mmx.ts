/**
 * MMX, by the 128-bit operations of SSE2 on vectors whose upper half is zero. mm(i) is the significand of physical register i, which is
 * where the FXSAVE image has ST(i) while TOP is 0; every instruction makes it so and tags all registers valid (`enterMmx`). A
 * register written gets an exponent of all ones.
 */
import type { Builder, Place } from '../builder/builder.ts'
import type { I64, V128 } from '../wasm/expr.ts'
import { i8x16, i16x8, i32, i64, i64x2, v128 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import { packedOperations, type VectorOperation } from './sse-int.ts'
import { shifts, type VectorShift } from './sse-int-shift.ts'
import { wordNumbers } from './sse-int-shuffle.ts'
import { immediate, low64 } from './sse-operands.ts'
import { faultIfPending } from './x87.ts'
import { ENTER_MMX } from './x87-helper.ts'

const FTW = 0xffn << 32n
const TOP = 7n << (16n + 11n)

/** After the last check and before the first use of a register. */
export function enterMmx(b: Builder): void {
  b.if(i64.ne(i64.and(b.state('x87'), i64.const(FTW | TOP)), i64.const(FTW)), () => {
    b.helper('x87', i32.const(ENTER_MMX), i32.const(0), i32.const(0))
  })
}

export function putMmx(b: Builder, target: Place, value: V128): void {
  b.put128(target, i64x2.replace(value, 1, i64.const(0xffff)))
}

const getMmx = (b: Builder, place: Place): V128 => low64(b.get(place))

export const packedMmx =
  (op: VectorOperation): Definition =>
  (b) => {
    faultIfPending(b)
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    enterMmx(b)
    putMmx(b, target, op(b.let(getMmx(b, target)), b.let(getMmx(b, source)), b))
  }

/** Copies the operands' size; a register gets zeros above. */
function move(b: Builder): void {
  faultIfPending(b)
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  enterMmx(b)
  const value = b.get(source)
  if (b.op(0).kind === 'mmx') putMmx(b, target, low64(value))
  else if (b.op(0).kind === 'xmm') b.put128(target, low64(value))
  else b.put(target, value)
}

const byRegister = (shift: VectorShift): Definition => packedMmx((x, y, b) => shift(b, x, i64x2.extract(y, 0)))

const byImmediate =
  (shift: VectorShift): Definition =>
  (b) => {
    faultIfPending(b)
    const target = b.open(b.op(0), 'rw')
    enterMmx(b)
    putMmx(b, target, shift(b, b.let(getMmx(b, target)), immediate(b, b.op(1))))
  }

function shuffleWords(b: Builder): void {
  faultIfPending(b)
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  enterMmx(b)
  putMmx(b, target, i8x16.swizzle(getMmx(b, source), wordNumbers(immediate(b, b.op(2)), 0)))
}

const lane = (b: Builder): I64 => i64.shl(i64.and(immediate(b, b.op(2)), i64.const(3)), i64.const(4))

function insertWord(b: Builder): void {
  faultIfPending(b)
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'rw')
  enterMmx(b)
  const at = b.let(lane(b))
  const kept = i64.and(b.get(target), i64.xor(i64.shl(i64.const(0xffff), at), i64.const(-1)))
  putMmx(b, target, low64(i64.or(kept, i64.shl(b.trunc(b.get(source), 2), at))))
}

function extractWord(b: Builder): void {
  faultIfPending(b)
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  enterMmx(b)
  b.put(target, b.trunc(i64.shr_u(b.get(source), lane(b)), 2))
}

function moveSigns(b: Builder): void {
  faultIfPending(b)
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  enterMmx(b)
  b.put(target, i64.extend_i32_u(i8x16.bitmask(getMmx(b, source))))
}

/** Stores the bytes at [rdi] whose mask byte has its sign set. */
function maskedStore(b: Builder): void {
  faultIfPending(b)
  const target = b.open(b.op(2), 'rw')
  const source = b.open(b.op(0), 'r')
  const mask = b.open(b.op(1), 'r')
  enterMmx(b)
  const chosen = i8x16.shr_s(getMmx(b, mask), i32.const(7))
  const bytes = v128.bitselect(getMmx(b, source), low64(b.get(target)), chosen)
  b.put(target, i64x2.extract(bytes, 0))
}

/** All tags empty. */
function emms(b: Builder): void {
  faultIfPending(b)
  enterMmx(b)
  b.setState('x87', i64.and(b.state('x87'), i64.const(~FTW)))
}

/** An operation that takes lanes of x first and those of y after them: its 64-bit form has both in one vector. */
export const sideBySide =
  (op: VectorOperation): VectorOperation =>
  (x, y, b) => {
    const both = b.let(i64x2.replace(x, 1, i64x2.extract(y, 0)))
    return op(both, both, b)
  }

const unpack = (bytes: 1 | 2 | 4, high: boolean): VectorOperation => {
  const numbers: number[] = []
  for (let at = high ? 4 : 0; numbers.length < 8; at += bytes) {
    for (const base of [0, 16]) for (let i = 0; i < bytes; i++) numbers.push(base + at + i)
  }
  return (x, y) => v128.shuffle(x, y, [...numbers, ...numbers])
}

export const mmxRow = (
  name: string,
  code: number,
  operands: string,
  def: Definition,
  prefix: Row['prefix'] = 'np',
): Row => ({
  name,
  map: 1,
  code,
  prefix,
  operands,
  rare: true,
  def,
})

export const rows: readonly Row[] = [
  ...packedOperations
    .filter(({ mmx }) => mmx !== false)
    .map(({ name, code, op }) => mmxRow(name, code, 'Pq Qq', packedMmx(op))),
  ...shifts.flatMap(([name, shift, code, group, ext]): readonly Row[] => [
    mmxRow(name, code, 'Pq Qq', byRegister(shift)),
    { ...mmxRow(name, group, 'Nq Iub', byImmediate(shift)), ext },
  ]),
  mmxRow('packsswb', 0x63, 'Pq Qq', packedMmx(sideBySide(i8x16.narrow_i16x8_s))),
  mmxRow('packuswb', 0x67, 'Pq Qq', packedMmx(sideBySide(i8x16.narrow_i16x8_u))),
  mmxRow('packssdw', 0x6b, 'Pq Qq', packedMmx(sideBySide(i16x8.narrow_i32x4_s))),
  mmxRow('punpcklbw', 0x60, 'Pq Qd', packedMmx(unpack(1, false))),
  mmxRow('punpcklwd', 0x61, 'Pq Qd', packedMmx(unpack(2, false))),
  mmxRow('punpckldq', 0x62, 'Pq Qd', packedMmx(unpack(4, false))),
  mmxRow('punpckhbw', 0x68, 'Pq Qq', packedMmx(unpack(1, true))),
  mmxRow('punpckhwd', 0x69, 'Pq Qq', packedMmx(unpack(2, true))),
  mmxRow('punpckhdq', 0x6a, 'Pq Qq', packedMmx(unpack(4, true))),
  mmxRow('movd', 0x6e, 'Pq Ey', move),
  mmxRow('movd', 0x7e, 'Ey Py', move),
  mmxRow('movq', 0x6f, 'Pq Qq', move),
  mmxRow('movq', 0x7f, 'Qq Pq', move),
  mmxRow('movntq', 0xe7, 'Mq Pq', move),
  mmxRow('movdq2q', 0xd6, 'Pq Uq', move, 'f2'),
  mmxRow('movq2dq', 0xd6, 'Vx Nq', move, 'f3'),
  mmxRow('pshufw', 0x70, 'Pq Qq Iub', shuffleWords),
  { ...mmxRow('pinsrw', 0xc4, 'Pq Rd Iub', insertWord), mod: 'reg' },
  { ...mmxRow('pinsrw', 0xc4, 'Pq Mw Iub', insertWord), mod: 'mem' },
  mmxRow('pextrw', 0xc5, 'Gd Nq Iub', extractWord),
  mmxRow('pmovmskb', 0xd7, 'Gd Nq', moveSigns),
  mmxRow('maskmovq', 0xf7, 'Pq Nq Lq', maskedStore),
  mmxRow('emms', 0x77, '', emms),
]
