/** Integer instructions. */
import { Expr, type F32, type F64, type I32, type I64 } from './expr.ts'
import { bin, load, un } from './op-shapes.ts'

const literal = (e: Expr): bigint | undefined => (e.shape === 'const' ? BigInt(e.imm as number | bigint) : undefined)

/** Integer operation with folding of two constants and of a neutral right operand. */
function folding<T extends 'i32' | 'i64'>(
  type: T,
  op: number,
  fold: (a: bigint, b: bigint) => bigint,
  neutral?: bigint,
): (a: Expr<T>, b: Expr<T>) => Expr<T> {
  const bits = type === 'i64' ? 64 : 32
  return (a, b) => {
    const y = literal(b)
    if (y !== undefined) {
      if (y === neutral) return a
      const x = literal(a)
      if (x !== undefined) return integer(type, BigInt.asIntN(bits, fold(x, y)))
    }
    return new Expr(type, 'bin', op, [a, b])
  }
}

function integer<T extends 'i32' | 'i64'>(type: T, value: bigint): Expr<T> {
  const small = value >= -0x7fffffffn && value <= 0x7fffffffn
  return new Expr(type, 'const', 0, [], small ? Number(value) : value)
}

const u64 = (x: bigint) => BigInt.asUintN(64, x)
const u32 = (x: bigint) => BigInt.asUintN(32, x)

export const i32 = {
  const: (v: number): I32 => new Expr('i32', 'const', 0, [], v | 0),
  eqz: un('i32', 0x45),
  eq: bin('i32', 0x46),
  ne: bin('i32', 0x47),
  lt_s: bin('i32', 0x48),
  lt_u: bin('i32', 0x49),
  gt_s: bin('i32', 0x4a),
  gt_u: bin('i32', 0x4b),
  le_s: bin('i32', 0x4c),
  le_u: bin('i32', 0x4d),
  ge_s: bin('i32', 0x4e),
  ge_u: bin('i32', 0x4f),
  clz: un('i32', 0x67),
  ctz: un('i32', 0x68),
  popcnt: un('i32', 0x69),
  add: folding('i32', 0x6a, (a, b) => a + b, 0n),
  sub: folding('i32', 0x6b, (a, b) => a - b, 0n),
  mul: folding('i32', 0x6c, (a, b) => a * b, 1n),
  div_s: bin('i32', 0x6d),
  div_u: bin('i32', 0x6e),
  rem_s: bin('i32', 0x6f),
  rem_u: bin('i32', 0x70),
  and: folding('i32', 0x71, (a, b) => a & b, -1n),
  or: folding('i32', 0x72, (a, b) => a | b, 0n),
  xor: folding('i32', 0x73, (a, b) => a ^ b, 0n),
  shl: folding('i32', 0x74, (a, b) => a << (b & 31n), 0n),
  shr_s: folding('i32', 0x75, (a, b) => a >> (b & 31n), 0n),
  shr_u: folding('i32', 0x76, (a, b) => u32(a) >> (b & 31n), 0n),
  rotl: bin('i32', 0x77),
  rotr: bin('i32', 0x78),
  wrap: (a: I64): I32 =>
    a.shape === 'const' ? integer('i32', BigInt.asIntN(32, BigInt(a.imm))) : new Expr('i32', 'un', 0xa7, [a]),
  extend8_s: un('i32', 0xc0),
  extend16_s: un('i32', 0xc1),
  load: load('i32', 0x28),
  load8_s: load('i32', 0x2c),
  load8_u: load('i32', 0x2d),
  load16_s: load('i32', 0x2e),
  load16_u: load('i32', 0x2f),
  atomicLoad: load('i32', 0xfe0010),
  reinterpret: (a: F32): I32 => new Expr('i32', 'un', 0xbc, [a]),
  trunc_sat_f64_s: (a: F64): I32 => new Expr('i32', 'un', 0xfc0002, [a]),
} as const

export const i64 = {
  const: (v: number | bigint): I64 => integer('i64', BigInt.asIntN(64, BigInt(v))),
  eqz: (a: I64): I32 => new Expr('i32', 'un', 0x50, [a]),
  eq: bin<'i32', 'i64'>('i32', 0x51),
  ne: bin<'i32', 'i64'>('i32', 0x52),
  lt_s: bin<'i32', 'i64'>('i32', 0x53),
  lt_u: bin<'i32', 'i64'>('i32', 0x54),
  gt_s: bin<'i32', 'i64'>('i32', 0x55),
  gt_u: bin<'i32', 'i64'>('i32', 0x56),
  le_s: bin<'i32', 'i64'>('i32', 0x57),
  le_u: bin<'i32', 'i64'>('i32', 0x58),
  ge_s: bin<'i32', 'i64'>('i32', 0x59),
  ge_u: bin<'i32', 'i64'>('i32', 0x5a),
  clz: un('i64', 0x79),
  ctz: un('i64', 0x7a),
  popcnt: un('i64', 0x7b),
  add: folding('i64', 0x7c, (a, b) => a + b, 0n),
  sub: folding('i64', 0x7d, (a, b) => a - b, 0n),
  mul: folding('i64', 0x7e, (a, b) => a * b, 1n),
  div_s: bin('i64', 0x7f),
  div_u: bin('i64', 0x80),
  rem_s: bin('i64', 0x81),
  rem_u: bin('i64', 0x82),
  and: folding('i64', 0x83, (a, b) => a & b, -1n),
  or: folding('i64', 0x84, (a, b) => a | b, 0n),
  xor: folding('i64', 0x85, (a, b) => a ^ b, 0n),
  shl: folding('i64', 0x86, (a, b) => a << (b & 63n), 0n),
  shr_s: folding('i64', 0x87, (a, b) => a >> (b & 63n), 0n),
  shr_u: folding('i64', 0x88, (a, b) => u64(a) >> (b & 63n), 0n),
  rotl: bin('i64', 0x89),
  rotr: bin('i64', 0x8a),
  extend_i32_s: (a: I32): I64 =>
    a.shape === 'const' ? integer('i64', BigInt.asIntN(32, BigInt(a.imm))) : new Expr('i64', 'un', 0xac, [a]),
  extend_i32_u: (a: I32): I64 =>
    a.shape === 'const' ? integer('i64', u32(BigInt(a.imm))) : new Expr('i64', 'un', 0xad, [a]),
  extend8_s: un('i64', 0xc2),
  extend16_s: un('i64', 0xc3),
  extend32_s: un('i64', 0xc4),
  load: load('i64', 0x29),
  load8_s: load('i64', 0x30),
  load8_u: load('i64', 0x31),
  load16_s: load('i64', 0x32),
  load16_u: load('i64', 0x33),
  load32_s: load('i64', 0x34),
  load32_u: load('i64', 0x35),
  atomicLoad: load('i64', 0xfe0011),
  reinterpret: (a: F64): I64 => new Expr('i64', 'un', 0xbd, [a]),
  trunc_sat_f64_s: (a: F64): I64 => new Expr('i64', 'un', 0xfc0006, [a]),
  trunc_sat_f32_s: (a: F32): I64 => new Expr('i64', 'un', 0xfc0004, [a]),
} as const
