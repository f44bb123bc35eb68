/**
 * Constructors of expressions, one per WebAssembly instruction that the engine uses, grouped by type as in the specification
 * (`i64.add(a, b)`). Constants are folded where that is cheap to see; nothing else is rearranged.
 */
import { Expr, type F32, type F64, type I32, type I64, type V128, type WasmType } from './expr.ts'

const bin =
  <T extends WasmType, A extends WasmType = T>(type: T, op: number) =>
  (a: Expr<A>, b: Expr<A>): Expr<T> =>
    new Expr(type, 'bin', op, [a, b])
const un =
  <T extends WasmType, A extends WasmType = T>(type: T, op: number) =>
  (a: Expr<A>): Expr<T> =>
    new Expr(type, 'un', op, [a])
const load =
  <T extends WasmType>(type: T, op: number) =>
  (address: I32, offset: number = 0): Expr<T> =>
    new Expr(type, 'load', op, [address], offset)
const lane =
  <T extends WasmType>(type: T, op: number) =>
  (v: V128, index: number): Expr<T> =>
    new Expr(type, 'lane', op, [v], index)
const replace =
  <A extends WasmType>(op: number) =>
  (v: V128, index: number, x: Expr<A>): V128 =>
    new Expr('v128', 'lane', op, [v, x], index)

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

export const f32 = {
  add: bin('f32', 0x92),
  sub: bin('f32', 0x93),
  mul: bin('f32', 0x94),
  div: bin('f32', 0x95),
  sqrt: un('f32', 0x91),
  const: (v: number): F32 => new Expr('f32', 'const', 0, [], v),
  abs: un('f32', 0x8b),
  ceil: un('f32', 0x8d),
  floor: un('f32', 0x8e),
  trunc: un('f32', 0x8f),
  nearest: un('f32', 0x90),
  eq: bin<'i32', 'f32'>('i32', 0x5b),
  ne: bin<'i32', 'f32'>('i32', 0x5c),
  lt: bin<'i32', 'f32'>('i32', 0x5d),
  gt: bin<'i32', 'f32'>('i32', 0x5e),
  le: bin<'i32', 'f32'>('i32', 0x5f),
  reinterpret: (a: I32): F32 => new Expr('f32', 'un', 0xbe, [a]),
  demote: (a: F64): F32 => new Expr('f32', 'un', 0xb6, [a]),
  convert_i64_s: (a: I64): F32 => new Expr('f32', 'un', 0xb4, [a]),
  load: load('f32', 0x2a),
} as const

export const f64 = {
  const: (v: number): F64 => new Expr('f64', 'const', 0, [], v),
  add: bin('f64', 0xa0),
  sub: bin('f64', 0xa1),
  mul: bin('f64', 0xa2),
  div: bin('f64', 0xa3),
  sqrt: un('f64', 0x9f),
  abs: un('f64', 0x99),
  ceil: un('f64', 0x9b),
  floor: un('f64', 0x9c),
  trunc: un('f64', 0x9d),
  nearest: un('f64', 0x9e),
  eq: bin<'i32', 'f64'>('i32', 0x61),
  ne: bin<'i32', 'f64'>('i32', 0x62),
  lt: bin<'i32', 'f64'>('i32', 0x63),
  gt: bin<'i32', 'f64'>('i32', 0x64),
  le: bin<'i32', 'f64'>('i32', 0x65),
  reinterpret: (a: I64): F64 => new Expr('f64', 'un', 0xbf, [a]),
  promote: (a: F32): F64 => new Expr('f64', 'un', 0xbb, [a]),
  convert_i32_s: (a: I32): F64 => new Expr('f64', 'un', 0xb7, [a]),
  convert_i64_s: (a: I64): F64 => new Expr('f64', 'un', 0xb9, [a]),
  load: load('f64', 0x2b),
} as const

const vbin = (op: number) => bin<'v128'>('v128', 0xfd0000 | op)
const vun = (op: number) => un<'v128'>('v128', 0xfd0000 | op)
const vshift =
  (op: number) =>
  (v: V128, count: I32): V128 =>
    new Expr('v128', 'bin', 0xfd0000 | op, [v, count])
const splat =
  <A extends WasmType>(op: number) =>
  (x: Expr<A>): V128 =>
    new Expr('v128', 'un', 0xfd0000 | op, [x])
const test =
  (op: number) =>
  (v: V128): I32 =>
    new Expr('i32', 'un', 0xfd0000 | op, [v])

export const v128 = {
  const: (bytes: Uint8Array): V128 => new Expr('v128', 'const', 0, [], 0, bytes),
  load: load('v128', 0xfd0000),
  load32_zero: load('v128', 0xfd005c),
  load64_zero: load('v128', 0xfd005d),
  not: vun(77),
  and: vbin(78),
  andnot: vbin(79),
  or: vbin(80),
  xor: vbin(81),
  bitselect: (a: V128, b: V128, mask: V128): V128 => new Expr('v128', 'bin', 0xfd0000 | 82, [a, b, mask]),
  anyTrue: test(83),
  /** Bytes of a (0..15) and b (16..31) by number. */
  shuffle: (a: V128, b: V128, lanes: readonly number[]): V128 =>
    new Expr('v128', 'shuffle', 0xfd000d, [a, b], 0, Uint8Array.from(lanes)),
} as const

export const i8x16 = {
  swizzle: vbin(14),
  splat: splat<'i32'>(15),
  extract_u: lane('i32', 0xfd0016),
  replace: replace<'i32'>(0xfd0017),
  eq: vbin(35),
  ne: vbin(36),
  lt_s: vbin(37),
  lt_u: vbin(38),
  gt_s: vbin(39),
  gt_u: vbin(40),
  abs: vun(96),
  neg: vun(97),
  popcnt: vun(98),
  allTrue: test(99),
  bitmask: test(100),
  narrow_i16x8_s: vbin(101),
  narrow_i16x8_u: vbin(102),
  shl: vshift(107),
  shr_s: vshift(108),
  shr_u: vshift(109),
  add: vbin(110),
  add_sat_s: vbin(111),
  add_sat_u: vbin(112),
  sub: vbin(113),
  sub_sat_s: vbin(114),
  sub_sat_u: vbin(115),
  min_s: vbin(118),
  min_u: vbin(119),
  max_s: vbin(120),
  max_u: vbin(121),
  avgr_u: vbin(123),
} as const

export const i16x8 = {
  splat: splat<'i32'>(16),
  extract_u: lane('i32', 0xfd0019),
  extract_s: lane('i32', 0xfd0018),
  replace: replace<'i32'>(0xfd001a),
  eq: vbin(45),
  ne: vbin(46),
  lt_s: vbin(47),
  lt_u: vbin(48),
  gt_s: vbin(49),
  gt_u: vbin(50),
  extadd_pairwise_i8x16_s: vun(124),
  extadd_pairwise_i8x16_u: vun(125),
  abs: vun(128),
  neg: vun(129),
  q15mulr_sat_s: vbin(130),
  bitmask: test(132),
  narrow_i32x4_s: vbin(133),
  narrow_i32x4_u: vbin(134),
  extend_low_i8x16_s: vun(135),
  extend_high_i8x16_s: vun(136),
  extend_low_i8x16_u: vun(137),
  extend_high_i8x16_u: vun(138),
  shl: vshift(139),
  shr_s: vshift(140),
  shr_u: vshift(141),
  add: vbin(142),
  add_sat_s: vbin(143),
  add_sat_u: vbin(144),
  sub: vbin(145),
  sub_sat_s: vbin(146),
  sub_sat_u: vbin(147),
  mul: vbin(149),
  min_s: vbin(150),
  min_u: vbin(151),
  max_s: vbin(152),
  max_u: vbin(153),
  avgr_u: vbin(155),
} as const

export const i32x4 = {
  splat: splat<'i32'>(17),
  extract: lane('i32', 0xfd001b),
  replace: replace<'i32'>(0xfd001c),
  eq: vbin(55),
  ne: vbin(56),
  lt_s: vbin(57),
  lt_u: vbin(58),
  gt_s: vbin(59),
  gt_u: vbin(60),
  extadd_pairwise_i16x8_s: vun(126),
  extadd_pairwise_i16x8_u: vun(127),
  abs: vun(160),
  neg: vun(161),
  allTrue: test(163),
  bitmask: test(164),
  extend_low_i16x8_s: vun(167),
  extend_high_i16x8_s: vun(168),
  extend_low_i16x8_u: vun(169),
  extend_high_i16x8_u: vun(170),
  shl: vshift(171),
  shr_s: vshift(172),
  shr_u: vshift(173),
  add: vbin(174),
  sub: vbin(177),
  mul: vbin(181),
  min_s: vbin(182),
  min_u: vbin(183),
  max_s: vbin(184),
  max_u: vbin(185),
  dot_i16x8_s: vbin(186),
  extmul_low_i16x8_s: vbin(188),
  extmul_high_i16x8_s: vbin(189),
  extmul_low_i16x8_u: vbin(190),
  extmul_high_i16x8_u: vbin(191),
  trunc_sat_f32x4_s: vun(248),
  trunc_sat_f64x2_s_zero: vun(252),
} as const

export const i64x2 = {
  splat: splat<'i64'>(18),
  extract: lane('i64', 0xfd001d),
  replace: replace<'i64'>(0xfd001e),
  eq: vbin(214),
  ne: vbin(215),
  lt_s: vbin(216),
  gt_s: vbin(217),
  abs: vun(192),
  neg: vun(193),
  bitmask: test(196),
  extend_low_i32x4_s: vun(199),
  extend_high_i32x4_s: vun(200),
  extend_low_i32x4_u: vun(201),
  extend_high_i32x4_u: vun(202),
  shl: vshift(203),
  shr_s: vshift(204),
  shr_u: vshift(205),
  add: vbin(206),
  sub: vbin(209),
  mul: vbin(213),
  extmul_low_i32x4_s: vbin(220),
  extmul_high_i32x4_s: vbin(221),
  extmul_low_i32x4_u: vbin(222),
  extmul_high_i32x4_u: vbin(223),
} as const

export const f32x4 = {
  splat: splat<'f32'>(19),
  extract: lane('f32', 0xfd001f),
  replace: replace<'f32'>(0xfd0020),
  eq: vbin(65),
  ne: vbin(66),
  lt: vbin(67),
  gt: vbin(68),
  le: vbin(69),
  ge: vbin(70),
  abs: vun(224),
  neg: vun(225),
  sqrt: vun(227),
  add: vbin(228),
  sub: vbin(229),
  mul: vbin(230),
  div: vbin(231),
  pmin: vbin(234),
  pmax: vbin(235),
  ceil: vun(103),
  floor: vun(104),
  trunc: vun(105),
  nearest: vun(106),
  convert_i32x4_s: vun(250),
  demote_f64x2_zero: vun(94),
} as const

export const f64x2 = {
  splat: splat<'f64'>(20),
  extract: lane('f64', 0xfd0021),
  replace: replace<'f64'>(0xfd0022),
  eq: vbin(71),
  ne: vbin(72),
  lt: vbin(73),
  gt: vbin(74),
  le: vbin(75),
  ge: vbin(76),
  abs: vun(236),
  neg: vun(237),
  sqrt: vun(239),
  add: vbin(240),
  sub: vbin(241),
  mul: vbin(242),
  div: vbin(243),
  pmin: vbin(246),
  pmax: vbin(247),
  ceil: vun(116),
  floor: vun(117),
  trunc: vun(122),
  nearest: vun(148),
  promote_low_f32x4: vun(95),
  convert_low_i32x4_s: vun(254),
} as const

/** `condition ? a : b`, both evaluated. */
export function select<T extends WasmType>(condition: I32, a: Expr<T>, b: Expr<T>): Expr<T> {
  return new Expr(a.type, 'select', 0x1b, [a, b, condition])
}
