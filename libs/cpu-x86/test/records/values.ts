/** Operand values: at the boundaries of their type, or anywhere in it. */
import type { Random } from './random.ts'

/** Two's complement values that arithmetic, shifts, carries, decimal adjustment and lengths turn at. */
const INTEGERS: readonly bigint[] = [
  ...[0n, 1n, 2n, -1n, -2n, 0x0fn, 0x10n, 0x7fn, 0x80n, 0x81n, 0xffn, 0x100n, 0x7fffn, 0x8000n, 0xffffn, 0x10000n],
  ...[0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, 0x7fff_ffff_ffff_ffffn, 1n << 63n, (1n << 63n) + 1n],
  ...[
    9n,
    0x0an,
    0x99n,
    31n,
    32n,
    33n,
    63n,
    64n,
    65n,
    8n,
    16n,
    17n,
    0x5555_5555_5555_5555n,
    -0x80n,
    -0x8000n,
    -0x8000_0000n,
  ],
].map((value) => BigInt.asUintN(64, value))

const SINGLES: readonly number[] = [
  ...[0, 0x80000000, 1, 0x80000001, 0x007fffff, 0x807fffff, 0x00400000, 0x00800000, 0x80800000, 0x00800001],
  ...[0x3f800000, 0xbf800000, 0x3f7fffff, 0x3f800001, 0x3f000000, 0xbf000000, 0x3fc00000, 0x40200000, 0xc0200000],
  ...[0x4effffff, 0x4f000000, 0xcf000000, 0xcf000001, 0x5effffff, 0x5f000000, 0xdf000000, 0x4b000000, 0x4b7fffff],
  ...[0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xffbfffff, 0x7fffffff],
  ...[0x1fffffff, 0x20000000, 0x5f7fffff, 0x34000000, 0x33800000, 0x0c000000],
]

const DOUBLES: readonly bigint[] = [
  ...[0n, 1n << 63n, 1n, (1n << 63n) | 1n, 0x000f_ffff_ffff_ffffn, 0x0010_0000_0000_0000n, 0x8010_0000_0000_0000n],
  ...[0x0010_0000_0000_0001n, 0x0008_0000_0000_0000n, 0x3ff0_0000_0000_0000n, 0xbff0_0000_0000_0000n],
  ...[0x3fef_ffff_ffff_ffffn, 0x3ff0_0000_0000_0001n, 0x3fe0_0000_0000_0000n, 0xbfe0_0000_0000_0000n],
  ...[0x3ff8_0000_0000_0000n, 0x4004_0000_0000_0000n, 0xc004_0000_0000_0000n, 0x4330_0000_0000_0001n],
  ...[0x41df_ffff_ffc0_0000n, 0x41df_ffff_ffe0_0000n, 0x41e0_0000_0000_0000n, 0xc1e0_0000_0000_0000n],
  ...[0xc1e0_0000_0010_0000n, 0xc1e0_0000_0020_0000n, 0x43df_ffff_ffff_ffffn, 0x43e0_0000_0000_0000n],
  ...[0xc3e0_0000_0000_0000n, 0xc3e0_0000_0000_0001n, 0x7fef_ffff_ffff_ffffn, 0xffef_ffff_ffff_ffffn],
  ...[0x7ff0_0000_0000_0000n, 0xfff0_0000_0000_0000n, 0x7ff8_0000_0000_0000n, 0xfff8_0000_0000_0000n],
  ...[0x7ff0_0000_0000_0001n, 0xfff7_ffff_ffff_ffffn, 0x3810_0000_0000_0000n, 0x380f_ffff_efff_ffffn],
  ...[0x47ef_ffff_e000_0000n, 0x47ef_ffff_f000_0000n, 0x36a0_0000_0000_0000n, 0x3690_0000_0000_0000n],
  ...[0x1ff0_0000_0000_0000n, 0x5ff0_0000_0000_0000n, 0x3ca0_0000_0000_0000n],
]

/** Sign and exponent, significand. The last seven are encodings that the 387 and later do not support. */
const EXTENDED: readonly (readonly [number, bigint])[] = [
  ...([0, 0x8000] as const).flatMap((sign): [number, bigint][] => [
    [sign, 0n],
    [sign, 1n],
    [sign, 0x7fff_ffff_ffff_ffffn],
    [sign | 1, 1n << 63n],
    [sign | 0x3fff, 1n << 63n],
    [sign | 0x3ffe, 1n << 63n],
    [sign | 0x3ffe, 0xffff_ffff_ffff_ffffn],
    [sign | 0x4000, 0xa000_0000_0000_0000n],
    [sign | 0x7ffe, 0xffff_ffff_ffff_ffffn],
    [sign | 0x7fff, 1n << 63n],
    [sign | 0x7fff, 0xc000_0000_0000_0000n],
    [sign | 0x7fff, 0x8000_0000_0000_0001n],
    [sign | 0x400e, 0x8000_0000_0000_0000n],
    [sign | 0x401e, 0x8000_0000_8000_0000n],
    [sign | 0x403e, 0x8000_0000_0000_0000n],
  ]),
  ...([
    [0x3fff, 0xc000_0000_0000_0000n],
    [0x400d, 0xfffe_ffff_ffff_ffffn],
    [0x401d, 0xffff_ffff_0000_0000n],
  ] as const),
  ...([
    [0x403d, 0xffff_ffff_ffff_ffffn],
    [0x3f81, 0x8000_0000_0000_0000n],
    [0x3f80, 0xffff_ffff_ffff_ffffn],
  ] as const),
  ...([
    [0x407e, 0xffff_ff00_0000_0000n],
    [0x407e, 0xffff_ff80_0000_0000n],
    [0x43fe, 0xffff_ffff_ffff_fc00n],
  ] as const),
  ...([
    [0x3c01, 0x8000_0000_0000_0000n],
    [0x3c00, 0xffff_ffff_ffff_ffffn],
    [0x3fbe, 0x8000_0000_0000_0000n],
  ] as const),
  ...([
    [0x403a, 0xde0b_6b3a_763f_fff0n],
    [0x403a, 0xde0b_6b3a_7640_0000n],
    [0x3fff, 0x8000_0000_0000_0001n],
  ] as const),
  ...([
    [0, 1n << 63n],
    [0x8000, 0xffff_ffff_ffff_ffffn],
    [0x3fff, 1n],
    [0x4000, 0n],
  ] as const),
  ...([
    [0x7fff, 0n],
    [0xffff, 1n],
    [0x7fff, 0x7fff_ffff_ffff_ffffn],
  ] as const),
]

const random64 = (random: Random): bigint => (BigInt(random.u32()) << 32n) | BigInt(random.u32())

/** A value for an operand of `size` bytes; what is above is noise. */
export function integer(random: Random, size: number, boundary: boolean): bigint {
  const noise = random64(random)
  const bits = BigInt(8 * size)
  if (!boundary) return random.oneIn(3) ? noise >> BigInt(random.below(60)) : noise
  const pick = random.oneIn(6)
    ? BigInt.asUintN(64, (random.oneIn(2) ? 1n : -1n) << BigInt(random.below(8 * size)))
    : random.oneIn(4)
      ? (1n << (bits - 1n)) - BigInt(random.below(2))
      : random.pick(INTEGERS)
  return size >= 8 ? pick : BigInt.asUintN(64, ((noise >> bits) << bits) | BigInt.asUintN(8 * size, pick))
}

export function single(random: Random, boundary: boolean): number {
  if (boundary) return random.pick(SINGLES)
  const bits = random.u32()
  if (random.oneIn(6)) return bits
  return ((bits & 0x807fffff) | ((127 - 12 + random.below(40)) << 23)) >>> 0
}

export function double(random: Random, boundary: boolean): bigint {
  if (boundary) return random.pick(DOUBLES)
  const bits = random64(random)
  if (random.oneIn(6)) return bits
  return (bits & 0x800f_ffff_ffff_ffffn) | (BigInt(1023 - 20 + random.below(90)) << 52n)
}

/** Ten bytes. */
export function extended(random: Random, boundary: boolean, view: DataView, at: number): void {
  if (boundary) {
    const [signExp, significand] = random.pick(EXTENDED)
    view.setBigUint64(at, significand, true)
    view.setUint16(at + 8, signExp, true)
    return
  }
  const exponent = random.oneIn(6) ? random.below(0x7fff) : 0x3fff - 20 + random.below(90)
  view.setBigUint64(at, random64(random) | (1n << 63n), true)
  view.setUint16(at + 8, exponent | (random.below(2) << 15), true)
}

/** How the bytes of an xmm register or memory operand are taken. */
export type LaneType = 'single' | 'double' | 'integer' | 'any'

/** A whole vector at `at`: lanes at boundaries, or one of them with usual ones beside it. */
export function vector(
  random: Random,
  type: LaneType,
  boundary: boolean,
  view: DataView,
  at: number,
  bytes: number,
): void {
  const kind = type === 'any' ? random.pick(['single', 'double', 'integer', 'integer'] as const) : type
  const lane = kind === 'single' ? 4 : kind === 'double' ? 8 : random.pick([1, 2, 4, 8])
  const only = random.oneIn(2) ? random.below(Math.max(1, bytes / lane)) : -1
  for (let n = 0; n * lane < bytes; n++) {
    const edge = boundary && (only === -1 || only === n)
    const to = at + n * lane
    if (kind === 'single') view.setUint32(to, single(random, edge), true)
    else if (kind === 'double') view.setBigUint64(to, double(random, edge), true)
    else if (lane === 8) view.setBigUint64(to, integer(random, 8, edge), true)
    else {
      const value = Number(integer(random, lane, edge) & 0xffff_ffffn)
      if (lane === 1) view.setUint8(to, value & 0xff)
      else if (lane === 2) view.setUint16(to, value & 0xffff, true)
      else view.setUint32(to, value, true)
    }
  }
}
