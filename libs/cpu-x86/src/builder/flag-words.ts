/**
 * The six arithmetic flags as three 64-bit words, cheap to set and to test without knowing which instruction set them:
 * FZ (ZF is FZ == 0), FS (SF is FS < 0, PF is even parity of its low byte), FC (CF bit 63, OF bit 63 xor bit 62, AF bit 3).
 * FC is the vector of carries out of each bit, moved so that the top bit of the operation is bit 63.
 */
import type { I32, I64 } from '../wasm/expr.ts'
import { i32, i64, select } from '../wasm/ops.ts'
import type { ConditionCode, FlagChange } from './builder.ts'
import { AF, ARITHMETIC_FLAGS, CF, OF, PF, SF, signExtend, ZF } from './flag-bits.ts'
import { floatBits } from './float-flags.ts'
import { plainChange } from './product-flags.ts'

export interface FlagWords {
  readonly fz: I64
  readonly fs: I64
  readonly fc: I64
}

const CARRY = 1n << 63n
const OVERFLOW = 1n << 62n
const not = (x: I64): I64 => i64.xor(x, i64.const(-1))

/** Carries out of each bit, moved to the top; AF stays bit 3. */
function placed(carries: I64, size: number, bind: (x: I64) => I64): I64 {
  if (size === 8) return carries
  const c = bind(carries)
  return i64.or(i64.shl(c, i64.const(64 - size * 8)), i64.and(c, i64.const(8)))
}

const carryWord = (cf: I64, of: I64, af: I64): I64 =>
  i64.or(i64.or(i64.shl(cf, i64.const(63)), i64.shl(i64.xor(cf, of), i64.const(62))), i64.shl(af, i64.const(3)))

/** FC after inc or dec: CF kept, OF and AF new. */
function keepingCarry(old: I64, of: I32, af: I32): I64 {
  const overflow = i64.xor(
    i64.and(i64.shr_u(old, i64.const(1)), i64.const(OVERFLOW)),
    i64.shl(i64.extend_i32_u(of), i64.const(62)),
  )
  return i64.or(i64.or(i64.and(old, i64.const(CARRY)), overflow), i64.shl(i64.extend_i32_u(af), i64.const(3)))
}

/** The words that a change leaves. `old` is what they were; `bind` gives an expression a local. */
export function changed(change: FlagChange, size: number, old: FlagWords, bind: (x: I64) => I64): FlagWords {
  switch (change.kind) {
    case 'add':
    case 'adc': {
      const { x, y, r } = change
      const both = bind(signExtend(r, size))
      const carries = i64.or(i64.and(x, y), i64.and(i64.or(x, y), not(r)))
      return { fz: both, fs: both, fc: placed(carries, size, bind) }
    }
    case 'sub':
    case 'sbb': {
      const { x, y, r } = change
      const both = bind(signExtend(r, size))
      const nx = bind(not(x))
      const borrows = i64.or(i64.and(nx, y), i64.and(i64.or(nx, y), r))
      return { fz: both, fs: both, fc: placed(borrows, size, bind) }
    }
    case 'logic': {
      const both = bind(signExtend(change.r, size))
      return { fz: both, fs: both, fc: i64.const(0) }
    }
    case 'inc':
    case 'dec': {
      const up = change.kind === 'inc'
      const edge = 1n << BigInt(size * 8 - 1)
      const of = i64.eq(change.r, i64.const(up ? edge : edge - 1n))
      const af = i64.eq(i64.and(change.r, i64.const(15)), i64.const(up ? 0 : 15))
      const both = bind(signExtend(change.r, size))
      return { fz: both, fs: both, fc: keepingCarry(old.fc, of, af) }
    }
    case 'result': {
      const both = bind(signExtend(change.r, size))
      return { fz: both, fs: both, fc: carryWord(bind(change.cf), change.of, change.af) }
    }
    case 'mul':
    case 'imul':
    case 'shl':
    case 'shr':
    case 'sar':
      return changed(plainChange(change, size, bind), size, old, bind)
    case 'float':
      return fromBits(bind(floatBits(change.x, change.y, size)), bind)
    case 'bits':
      return fromBits(bind(change.rflags), bind)
    case 'some':
      return someChanged(change.mask, bind(change.rflags), old, bind)
  }
}

/** Each word by itself: rotates and multiplication touch only FC, cmpxchg8b only FZ. */
function someChanged(mask: number, rflags: I64, old: FlagWords, bind: (x: I64) => I64): FlagWords {
  const signParity = mask & (SF | PF)
  if (signParity !== 0 && signParity !== (SF | PF)) {
    const kept = i64.and(toBits(old), i64.const(ARITHMETIC_FLAGS & ~mask))
    return fromBits(bind(i64.or(kept, i64.and(rflags, i64.const(mask)))), bind)
  }
  return {
    fz: mask & ZF ? zeroWord(rflags) : old.fz,
    fs: signParity ? signParityWord(rflags) : old.fs,
    fc: mask & (CF | OF | AF) ? someCarries(mask, rflags, old.fc, bind) : old.fc,
  }
}

function someCarries(mask: number, rflags: I64, old: I64, bind: (x: I64) => I64): I64 {
  const cf = bind(mask & CF ? bitOf(rflags, 0) : i64.shr_u(old, i64.const(63)))
  const wasOverflow = i64.shr_u(i64.xor(old, i64.shl(old, i64.const(1))), i64.const(63))
  const of = mask & OF ? bitOf(rflags, 11) : wasOverflow
  const top = i64.or(i64.shl(cf, i64.const(63)), i64.shl(i64.xor(cf, of), i64.const(62)))
  return i64.or(top, mask & AF ? i64.shl(bitOf(rflags, 4), i64.const(3)) : i64.and(old, i64.const(8)))
}

const bitOf = (rflags: I64, n: number): I64 => i64.and(i64.shr_u(rflags, i64.const(n)), i64.const(1))
const zeroWord = (rflags: I64): I64 => i64.xor(bitOf(rflags, 6), i64.const(1))
const signParityWord = (rflags: I64): I64 =>
  i64.or(i64.shl(bitOf(rflags, 7), i64.const(63)), i64.xor(bitOf(rflags, 2), i64.const(1)))

/** Words for an RFLAGS image; other bits are ignored. */
export function fromBits(rflags: I64, bind: (x: I64) => I64): FlagWords {
  const fc = carryWord(bind(bitOf(rflags, 0)), bitOf(rflags, 11), bitOf(rflags, 4))
  return { fz: zeroWord(rflags), fs: signParityWord(rflags), fc }
}

/** The six flags as bits of an RFLAGS image. */
export function toBits(w: FlagWords): I64 {
  const at = (c: I32, n: number) => i64.shl(i64.extend_i32_u(c), i64.const(n))
  return i64.or(
    i64.or(
      i64.or(i64.shr_u(w.fc, i64.const(63)), at(condition(10, w), 2)),
      i64.or(i64.shl(i64.and(w.fc, i64.const(8)), i64.const(1)), at(condition(4, w), 6)),
    ),
    i64.or(i64.shl(i64.shr_u(w.fs, i64.const(63)), i64.const(7)), at(condition(0, w), 11)),
  )
}

/** 1 if the condition holds. */
export function condition(code: ConditionCode, w: FlagWords): I32 {
  if (code & 1) return i32.eqz(condition(code & ~1, w))
  const zero = i64.const(0)
  const overflow = i64.xor(w.fc, i64.shl(w.fc, i64.const(1)))
  const less = () => i64.lt_s(i64.xor(w.fs, overflow), zero)
  switch (code) {
    case 0:
      return i64.lt_s(overflow, zero)
    case 2:
      return i64.lt_s(w.fc, zero)
    case 4:
      return i64.eqz(w.fz)
    case 6:
      return i32.or(i64.lt_s(w.fc, zero), i64.eqz(w.fz))
    case 8:
      return i64.lt_s(w.fs, zero)
    case 10:
      return i32.eqz(i32.and(i32.popcnt(i32.and(i32.wrap(w.fs), i32.const(255))), i32.const(1)))
    case 12:
      return less()
    default:
      return i32.or(i64.eqz(w.fz), less())
  }
}

export const carryOf = (w: FlagWords): I64 => i64.shr_u(w.fc, i64.const(63))

/** `select` over all three words. */
export function choose(when: I32, a: FlagWords, b: FlagWords): FlagWords {
  return { fz: select(when, a.fz, b.fz), fs: select(when, a.fs, b.fs), fc: select(when, a.fc, b.fc) }
}
