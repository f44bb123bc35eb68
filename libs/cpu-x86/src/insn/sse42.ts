/**
 * String comparison of SSE4.2 (Intel SDM vol. 2: PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM; vol. 1, section 12.4). The first
 * operand is a set, ranges or a string to find in the second; sets of elements are masks with a bit for each.
 */
import type { Builder } from '../builder/builder.ts'
import type { Decoded } from '../decode/decoded.ts'
import type { I32, I64, V128 } from '../wasm/expr.ts'
import { i8x16, i16x8, i32, i32x4, i64, select, v128 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import { immediate, lanes, maskIf, zero128 } from './sse-operands.ts'

const RAX = 0
const RCX = 1
const RDX = 2

/** Fields of the immediate. Those below choose the code: a form has one body for each. */
const WORDS = 1
const SIGNED = 2
const FORM = 15
const NEGATE = 0x10
const MASKED = 0x20
/** The last index rather than the first; a mask of lanes rather than of bits. */
const WIDE = 0x40

const formOf = ({ operands: [, , imm] }: Decoded): number => (imm.kind === 'imm' ? Number(imm.value) & FORM : 0)

/** Elements of 8 or 16 bits, signed or not. */
interface Elements {
  readonly count: 8 | 16
  readonly eq: (x: V128, y: V128) => V128
  readonly less: (x: V128, y: V128) => V128
  readonly mask: (v: V128) => I32
  /** Element n in every lane. */
  readonly every: (v: V128, n: I32) => V128
  /** A mask as lanes of ones and zeros. */
  readonly widened: (mask: I32) => V128
}

const BYTE_BITS = lanes(64, 0x8040201008040201n)
const WORD_BITS = v128.const(Uint8Array.from({ length: 16 }, (_, n) => (n & 1 ? 0 : 1 << (n >> 1))))

const bytes = (signed: boolean): Elements => ({
  count: 16,
  eq: i8x16.eq,
  less: signed ? i8x16.lt_s : i8x16.lt_u,
  mask: i8x16.bitmask,
  every: (v, n) => i8x16.swizzle(v, i8x16.splat(n)),
  widened: (mask) => {
    const halves = i8x16.swizzle(i16x8.splat(mask), v128.const(Uint8Array.from({ length: 16 }, (_, n) => n >> 3)))
    return i8x16.ne(v128.and(halves, BYTE_BITS), zero128)
  },
})

const words = (signed: boolean): Elements => ({
  count: 8,
  eq: i16x8.eq,
  less: signed ? i16x8.lt_s : i16x8.lt_u,
  mask: i16x8.bitmask,
  every: (v, n) => {
    // Byte 2n, and above it byte 2n + 1.
    const pair = i32.add(i32.mul(n, i32.const(0x202)), i32.const(0x100))
    return i8x16.swizzle(v, i16x8.splat(pair))
  },
  widened: (mask) => i16x8.ne(v128.and(i16x8.splat(mask), WORD_BITS), zero128),
})

const ones = (count: I32): I32 => i32.sub(i32.shl(i32.const(1), count), i32.const(1))

/** Elements before the first zero. */
const implicitLength = (b: Builder, v: V128, { count, eq, mask }: Elements): I32 =>
  b.let(i32.ctz(i32.or(mask(eq(v, zero128)), i32.const(1 << count))))

/** The magnitude of a register, no more than there are elements. */
function explicitLength(b: Builder, register: number, { count }: Elements): I32 {
  const n = b.let(b.getSigned(b.gpr(register, b.size === 8 ? 8 : 4)))
  const magnitude = b.let(select(i64.lt_s(n, i64.const(0)), i64.sub(i64.const(0), n), n))
  return b.let(i32.wrap(select(i64.lt_u(magnitude, i64.const(count)), magnitude, i64.const(count))))
}

/** `body` with n from 0 below `limit` (signed). */
function forEach(b: Builder, limit: I32, step: number, body: (n: I32) => void): void {
  const n = b.variable('i32')
  b.if(i32.gt_s(limit, i32.const(0)), () =>
    b.loopWhile(() => {
      body(n)
      b.set(n, i32.add(n, i32.const(step)))
      return i32.lt_s(n, limit)
    }),
  )
}

interface Comparison {
  readonly x: V128
  readonly y: V128
  readonly lengthX: I32
  readonly validX: I32
  readonly validY: I32
  readonly elements: Elements
}

/** What imm[3:2] asks of each element of y, as a mask. */
const AGGREGATIONS: readonly ((b: Builder, c: Comparison) => I32)[] = [
  // Equal any: is it one of x.
  (b, { x, y, lengthX, validY, elements: { eq, every, mask } }) => {
    const found = b.variable('v128')
    forEach(b, lengthX, 1, (n) => b.set(found, v128.or(found, eq(y, every(x, n)))))
    return i32.and(mask(found), validY)
  },
  // Ranges: is it within one of the pairs of bounds in x.
  (b, { x, y, lengthX, validY, elements: { less, every, mask } }) => {
    const found = b.variable('v128')
    forEach(b, b.let(i32.sub(lengthX, i32.const(1))), 2, (n) => {
      const outside = v128.or(less(y, every(x, n)), less(every(x, i32.add(n, i32.const(1))), y))
      b.set(found, v128.or(found, v128.not(outside)))
    })
    return i32.and(mask(found), validY)
  },
  // Equal each: is it that of x; behind both ends it is.
  (_, { x, y, validX, validY, elements: { eq, mask, count } }) => {
    const neither = i32.xor(i32.or(validX, validY), i32.const((1 << count) - 1))
    return i32.or(i32.and(mask(eq(x, y)), i32.and(validX, validY)), neither)
  },
  // Equal ordered: does x begin there, as far as the register shows.
  (b, { x, y, lengthX, validY, elements: { eq, every, mask, count } }) => {
    const all = i32.const((1 << count) - 1)
    const begins = b.variable('i32')
    b.set(begins, all)
    forEach(b, lengthX, 1, (n) => {
      const equal = i32.and(mask(eq(y, every(x, n))), validY)
      const beyond = i32.xor(i32.shr_u(all, n), i32.const(-1))
      b.set(begins, i32.and(begins, i32.or(i32.shr_u(equal, n), beyond)))
    })
    return begins
  },
]

const flag = (truth: I32, bit: number): I32 => i32.shl(truth, i32.const(bit))

const compareStrings =
  (isExplicit: boolean, isIndex: boolean): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    const x = b.get128(b.open(b.op(0), 'r'))
    const y = b.get128(source)
    const form = formOf(b.insn)
    const elements = ((form & WORDS) !== 0 ? words : bytes)((form & SIGNED) !== 0)
    const count = i32.const(elements.count)
    const lengthX = isExplicit ? explicitLength(b, RAX, elements) : implicitLength(b, x, elements)
    const lengthY = isExplicit ? explicitLength(b, RDX, elements) : implicitLength(b, y, elements)
    const validY = b.let(ones(lengthY))
    const aggregate = AGGREGATIONS[form >> 2]
    const plain = b.let(aggregate(b, { x, y, lengthX, validX: b.let(ones(lengthX)), validY, elements }))
    const imm = b.let(i32.wrap(immediate(b, b.op(2))))
    const bit = (mask: number): I32 => i32.and(imm, i32.const(mask))
    const negated = select(bit(MASKED), validY, ones(count))
    const found = b.let(i32.xor(plain, select(bit(NEGATE), negated, i32.const(0))))
    const rflags = [
      i32.ne(found, i32.const(0)),
      flag(i32.lt_u(lengthY, count), 6),
      flag(i32.lt_u(lengthX, count), 7),
      flag(i32.and(found, i32.const(1)), 11),
    ].reduce((image, part) => i32.or(image, part))
    b.flags({ kind: 'bits', rflags: b.let(i64.extend_i32_u(rflags)) })
    if (isIndex) b.put(b.gpr(RCX, 4), i64.extend_i32_u(index(found, bit(WIDE), count)))
    else putMask(b, found, i64.extend_i32_u(i32.ne(bit(WIDE), i32.const(0))), elements)
  }

function index(found: I32, isLast: I32, count: I32): I32 {
  const last = i32.sub(i32.const(31), i32.clz(found))
  return select(found, select(isLast, last, i32.ctz(found)), count)
}

function putMask(b: Builder, found: I32, isWide: I64, { widened }: Elements): void {
  const narrow = i32x4.replace(zero128, 0, found)
  b.put128(b.xmm(0, 16), v128.bitselect(widened(found), narrow, maskIf(isWide)))
}

const STRING = {
  map: 3,
  prefix: '66',
  operands: 'Vx Wx Iub',
  feature: 'sse4_2',
  writes: 'oszapc',
  variant: formOf,
} as const

export const rows: readonly Row[] = [
  { ...STRING, name: 'pcmpestrm', code: 0x60, def: compareStrings(true, false) },
  { ...STRING, name: 'pcmpestri', code: 0x61, def: compareStrings(true, true) },
  { ...STRING, name: 'pcmpistrm', code: 0x62, def: compareStrings(false, false) },
  { ...STRING, name: 'pcmpistri', code: 0x63, def: compareStrings(false, true) },
]
