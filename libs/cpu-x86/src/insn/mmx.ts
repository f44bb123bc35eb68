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

const packed =
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

const byRegister = (shift: VectorShift): Definition => packed((x, y, b) => shift(b, x, i64x2.extract(y, 0)))

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
  const rdi = b.get(b.gpr(7, 8))
  const target = b.openAt(b.insn.addressSize === 4 ? b.trunc(rdi, 4) : rdi, 'rw', 8)
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

/** Operand quadwords side by side, as the packs of SSE2 want them in each of their operands. */
const pack =
  (narrow: (a: V128, b: V128) => V128): VectorOperation =>
  (x, y, b) => {
    const both = b.let(i64x2.replace(x, 1, i64x2.extract(y, 0)))
    return narrow(both, both)
  }

const unpack = (bytes: 1 | 2 | 4, high: boolean): VectorOperation => {
  const numbers: number[] = []
  for (let at = high ? 4 : 0; numbers.length < 8; at += bytes) {
    for (const base of [0, 16]) for (let i = 0; i < bytes; i++) numbers.push(base + at + i)
  }
  return (x, y) => v128.shuffle(x, y, [...numbers, ...numbers])
}

const row = (name: string, code: number, operands: string, def: Definition, prefix: Row['prefix'] = 'np'): Row => ({
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
    .map(({ name, code, op }) => row(name, code, 'Pq Qq', packed(op))),
  ...shifts.flatMap(([name, shift, code, group, ext]): readonly Row[] => [
    row(name, code, 'Pq Qq', byRegister(shift)),
    { ...row(name, group, 'Nq Iub', byImmediate(shift)), ext },
  ]),
  row('packsswb', 0x63, 'Pq Qq', packed(pack(i8x16.narrow_i16x8_s))),
  row('packuswb', 0x67, 'Pq Qq', packed(pack(i8x16.narrow_i16x8_u))),
  row('packssdw', 0x6b, 'Pq Qq', packed(pack(i16x8.narrow_i32x4_s))),
  row('punpcklbw', 0x60, 'Pq Qd', packed(unpack(1, false))),
  row('punpcklwd', 0x61, 'Pq Qd', packed(unpack(2, false))),
  row('punpckldq', 0x62, 'Pq Qd', packed(unpack(4, false))),
  row('punpckhbw', 0x68, 'Pq Qq', packed(unpack(1, true))),
  row('punpckhwd', 0x69, 'Pq Qq', packed(unpack(2, true))),
  row('punpckhdq', 0x6a, 'Pq Qq', packed(unpack(4, true))),
  row('movd', 0x6e, 'Pq Ey', move),
  row('movd', 0x7e, 'Ey Py', move),
  row('movq', 0x6f, 'Pq Qq', move),
  row('movq', 0x7f, 'Qq Pq', move),
  row('movntq', 0xe7, 'Mq Pq', move),
  row('movdq2q', 0xd6, 'Pq Uq', move, 'f2'),
  row('movq2dq', 0xd6, 'Vx Nq', move, 'f3'),
  row('pshufw', 0x70, 'Pq Qq Iub', shuffleWords),
  { ...row('pinsrw', 0xc4, 'Pq Rd Iub', insertWord), mod: 'reg' },
  { ...row('pinsrw', 0xc4, 'Pq Mw Iub', insertWord), mod: 'mem' },
  row('pextrw', 0xc5, 'Gd Nq Iub', extractWord),
  row('pmovmskb', 0xd7, 'Gd Nq', moveSigns),
  row('maskmovq', 0xf7, 'Pq Nq', maskedStore),
  row('emms', 0x77, '', emms),
]
