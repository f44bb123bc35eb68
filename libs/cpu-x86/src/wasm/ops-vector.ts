/** Vector instructions. */
import { Expr, type I32, type V128, type WasmType } from './expr.ts'
import { bin, load, un } from './op-shapes.ts'

const lane =
  <T extends WasmType>(type: T, op: number) =>
  (v: V128, index: number): Expr<T> =>
    new Expr(type, 'lane', op, [v], index)
const replace =
  <A extends WasmType>(op: number) =>
  (v: V128, index: number, x: Expr<A>): V128 =>
    new Expr('v128', 'lane', op, [v, x], index)
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
  allTrue: test(195),
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
  /** x * y + z, rounded once or twice as the processor has it (src/wasm/fused.ts). */
  relaxed_madd: (x: V128, y: V128, z: V128): V128 => new Expr('v128', 'bin', 0xfd0000 | 0x107, [x, y, z]),
  pmin: vbin(246),
  pmax: vbin(247),
  ceil: vun(116),
  floor: vun(117),
  trunc: vun(122),
  nearest: vun(148),
  promote_low_f32x4: vun(95),
  convert_low_i32x4_s: vun(254),
} as const
