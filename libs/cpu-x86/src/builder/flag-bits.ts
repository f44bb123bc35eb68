/**
 * The arithmetic flags of a `PlainChange` as expressions (Intel SDM vol. 1, 3.4.3.1). Tiers keep a change symbolic and come here when a
 * flag is read. The values of a change must be constants or bound: they are used more than once. `old` gives the RFLAGS
 * image from before the change; only the kinds that keep flags (inc, dec, some) call it.
 */
import type { I32, I64 } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'
import type { ConditionCode, PlainChange } from './builder.ts'
import { floatBits, floatCarry, floatCondition } from './float-flags.ts'

export const CF = 0x001
export const PF = 0x004
export const AF = 0x010
export const ZF = 0x040
export const SF = 0x080
export const OF = 0x800
/** The six arithmetic flags. */
export const ARITHMETIC_FLAGS: number = CF | PF | AF | ZF | SF | OF

/** Operation size in bytes. */
type Size = number
type OldFlags = () => I64
type ImageChange = Extract<PlainChange, { kind: 'bits' | 'some' }>
/** Changes with a result that ZF, SF and PF are read from. */
type ResultChange = Exclude<PlainChange, ImageChange | FloatChange>
type FloatChange = Extract<PlainChange, { kind: 'float' }>
/** Changes that an integer operation leaves. */
type IntegerChange = Exclude<PlainChange, FloatChange>

const ONE = i64.const(1)
const not = (x: I64): I64 => i64.xor(x, i64.const(-1))
const bit = (x: I64, n: number): I64 => i64.and(i64.shr_u(x, i64.const(n)), ONE)
const place = (flag: I64, n: number): I64 => i64.shl(flag, i64.const(n))
const widen = (truth: I32): I64 => i64.extend_i32_u(truth)

/** The most significant bit of a value, as 0 or 1. */
export function topBit(x: I64, size: Size): I64 {
  const high = i64.shr_u(x, i64.const(8 * size - 1))
  return size === 8 ? high : i64.and(high, ONE)
}

/** A value without what is above `size` bytes. */
export function truncated(x: I64, size: number): I64 {
  return size === 8 ? x : i64.and(x, i64.const((1n << BigInt(size * 8)) - 1n))
}

/** Sign-extends a value of `size` bytes. */
export function signExtend(x: I64, size: Size): I64 {
  if (size === 8) return x
  return size === 4 ? i64.extend32_s(x) : size === 2 ? i64.extend16_s(x) : i64.extend8_s(x)
}

const isImage = (change: IntegerChange): change is ImageChange => change.kind === 'bits' || change.kind === 'some'

function imageBit(change: ImageChange, flag: number, old: OldFlags): I64 {
  const image = change.kind === 'bits' || (change.mask & flag) !== 0 ? change.rflags : old()
  return bit(image, 31 - Math.clz32(flag))
}

/** CF as 0 or 1. */
export function carryOf(change: PlainChange, size: Size, old: OldFlags): I64 {
  switch (change.kind) {
    case 'add':
      return widen(i64.lt_u(change.r, change.y))
    case 'sub':
      return widen(i64.lt_u(change.x, change.y))
    case 'adc': {
      const { x, y, r } = change
      return topBit(i64.or(i64.and(x, y), i64.and(i64.or(x, y), not(r))), size)
    }
    case 'sbb': {
      const { x, y, r } = change
      return topBit(i64.or(i64.and(not(x), y), i64.and(i64.or(not(x), y), r)), size)
    }
    case 'logic':
      return i64.const(0)
    case 'inc':
    case 'dec':
      return i64.and(old(), ONE)
    case 'result':
      return change.cf
    case 'float':
      return widen(floatCarry(change.x, change.y, size))
    default:
      return imageBit(change, CF, old)
  }
}

/** OF as 0 or 1. */
export function overflowOf(change: IntegerChange, size: Size, old: OldFlags): I64 {
  const top = 1n << BigInt(8 * size - 1)
  switch (change.kind) {
    case 'add':
    case 'adc':
      return topBit(i64.and(i64.xor(change.x, change.r), i64.xor(change.y, change.r)), size)
    case 'sub':
    case 'sbb':
      return topBit(i64.and(i64.xor(change.x, change.y), i64.xor(change.x, change.r)), size)
    case 'logic':
      return i64.const(0)
    case 'inc':
      return widen(i64.eq(change.r, i64.const(top)))
    case 'dec':
      return widen(i64.eq(change.r, i64.const(top - 1n)))
    case 'result':
      return change.of
    default:
      return imageBit(change, OF, old)
  }
}

/** AF as 0 or 1. */
export function adjustOf(change: IntegerChange, old: OldFlags): I64 {
  switch (change.kind) {
    case 'add':
    case 'sub':
    case 'adc':
    case 'sbb':
      return bit(i64.xor(i64.xor(change.x, change.y), change.r), 4)
    case 'logic':
      return i64.const(0)
    case 'inc':
      return widen(i64.eqz(i64.and(change.r, i64.const(15))))
    case 'dec':
      return widen(i64.eq(i64.and(change.r, i64.const(15)), i64.const(15)))
    case 'result':
      return change.af
    default:
      return imageBit(change, AF, old)
  }
}

/** ZF as 0 or 1 (i32). */
export function zeroOf(change: IntegerChange, old: OldFlags): I32 {
  return isImage(change) ? i32.wrap(imageBit(change, ZF, old)) : i64.eqz(change.r)
}

/** SF as 0 or 1. */
export function signOf(change: IntegerChange, size: Size, old: OldFlags): I64 {
  return isImage(change) ? imageBit(change, SF, old) : topBit(change.r, size)
}

/** PF as 0 or 1: the low byte of the result has an even number of ones. */
export function parityOf(change: IntegerChange, old: OldFlags): I64 {
  if (isImage(change)) return imageBit(change, PF, old)
  const ones = i32.popcnt(i32.and(i32.wrap(change.r), i32.const(0xff)))
  return widen(i32.and(i32.xor(ones, i32.const(1)), i32.const(1)))
}

/** The six flags as bits of an RFLAGS image; no other bits. */
export function flagBits(change: PlainChange, size: Size, old: OldFlags): I64 {
  if (change.kind === 'bits') return i64.and(change.rflags, i64.const(ARITHMETIC_FLAGS))
  if (change.kind === 'float') return floatBits(change.x, change.y, size)
  if (change.kind === 'some') {
    const kept = i64.and(old(), i64.const(ARITHMETIC_FLAGS & ~change.mask))
    return i64.or(kept, i64.and(change.rflags, i64.const(change.mask & ARITHMETIC_FLAGS)))
  }
  const parts = [
    place(parityOf(change, old), 2),
    place(widen(zeroOf(change, old)), 6),
    place(signOf(change, size, old), 7),
  ]
  if (change.kind !== 'logic') {
    parts.push(place(adjustOf(change, old), 4), place(overflowOf(change, size, old), 11))
  }
  return parts.reduce((image, part) => i64.or(image, part), carryOf(change, size, old))
}

const truth = (flag: I64): I32 => i32.wrap(flag)
function signedCompare(how: 'ge_s' | 'gt_s' | 'le_s' | 'lt_s', x: I64, y: I64, size: Size): I32 {
  return size === 4 ? i32[how](i32.wrap(x), i32.wrap(y)) : i64[how](signExtend(x, size), signExtend(y, size))
}

/** 1 if the condition holds after the change, else 0: one comparison where the change allows it. */
export function conditionOf(code: ConditionCode, change: PlainChange, size: Size, old: OldFlags): I32 {
  if (change.kind === 'float') return floatCondition(code, change.x, change.y, size)
  const even = isImage(change) ? undefined : fused(code >> 1, (code & 1) === 1, change, size)
  if (even) return even
  const plain = fromFlags(code >> 1, change, size, old)
  return (code & 1) === 1 ? i32.eqz(plain) : plain
}

/** The pair of conditions `pair` (code >> 1), or its opposite, as a comparison of the operands or with zero. */
function fused(pair: number, negate: boolean, change: ResultChange, size: Size): I32 | undefined {
  const zero = i64.const(0)
  if (change.kind === 'sub' && pair === 2 && change.r.shape !== 'local')
    return (negate ? i64.ne : i64.eq)(change.x, change.y)
  if (pair === 2) return negate ? i64.ne(change.r, zero) : i64.eqz(change.r)
  if (pair === 4) return signedCompare(negate ? 'ge_s' : 'lt_s', change.r, zero, size)
  if (change.kind === 'sub') {
    const { x, y } = change
    if (pair === 1) return (negate ? i64.ge_u : i64.lt_u)(x, y)
    if (pair === 3) return (negate ? i64.gt_u : i64.le_u)(x, y)
    if (pair === 6) return signedCompare(negate ? 'ge_s' : 'lt_s', x, y, size)
    if (pair === 7) return signedCompare(negate ? 'gt_s' : 'le_s', x, y, size)
  }
  if (change.kind === 'logic') {
    if (pair === 3) return negate ? i64.ne(change.r, zero) : i64.eqz(change.r)
    if (pair === 6) return signedCompare(negate ? 'ge_s' : 'lt_s', change.r, zero, size)
    if (pair === 7) return signedCompare(negate ? 'gt_s' : 'le_s', change.r, zero, size)
  }
  return undefined
}

function fromFlags(pair: number, change: IntegerChange, size: Size, old: OldFlags): I32 {
  const less = () => truth(i64.xor(signOf(change, size, old), overflowOf(change, size, old)))
  switch (pair) {
    case 0:
      return truth(overflowOf(change, size, old))
    case 1:
      return truth(carryOf(change, size, old))
    case 2:
      return zeroOf(change, old)
    case 3:
      return i32.or(truth(carryOf(change, size, old)), zeroOf(change, old))
    case 4:
      return truth(signOf(change, size, old))
    case 5:
      return truth(parityOf(change, old))
    case 6:
      return less()
    default:
      return i32.or(less(), zeroOf(change, old))
  }
}
