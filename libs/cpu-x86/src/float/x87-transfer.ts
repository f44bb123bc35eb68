/** Loads and stores: fld, fst, fild, fist, fisttp, fbld, fbstp, fxch, ffree, and the constants. */
import { convertFormat, toInteger } from './convert.ts'
import { DE, IE, PE, ROUND_ZERO } from './environment.ts'
import type { FloatFormat, Packed, Unpacked } from './format.ts'
import { bitsF32, bitsF64, DEFAULT_NAN, F32, F80, packExact } from './format.ts'
import { propagateOne } from './nan.ts'
import { fromExactInteger, M32, M64, type Source } from './x87-operands.ts'
import { exchangeSt, ST, setEmpty, setTop, top, writeSt } from './x87-state.ts'
import { INDEFINITE, type X87Run, type X87Step } from './x87-step.ts'

/** Whether a push must be refused; the masked response has then been given. */
export function pushBlocked(x: X87Step): boolean {
  if (x.isEmpty(7)) return false
  if (x.overflow()) x.push(INDEFINITE)
  return true
}

/** fld m32fp and m64fp convert, so they signal; m80fp and integers do not. */
export const load = (source: Source): X87Run => {
  const converts = source === M32 || source === M64
  return (x) => {
    if (pushBlocked(x)) return
    const a = source.read(x.memory)
    const pushed = packExact(F80, converts ? converted(x, a) : a)
    // An unmasked denormal operand does not keep a load from being done.
    if ((x.env.flags & ~x.env.masks & IE) === 0) x.push(pushed)
  }
}

function converted(x: X87Step, a: Unpacked): Unpacked {
  const nan = propagateOne(x.env, a)
  if (nan) return nan
  if (a.denormal) x.env.raise(DE)
  return a
}

/** fld m80fp: the bytes as they are, whatever they encode. */
export const loadExtended: X87Run = (x) => {
  if (pushBlocked(x)) return
  x.push(INDEFINITE)
  x.state.setBigUint64(ST, x.memory.getBigUint64(0, true), true)
  x.state.setUint16(ST + 8, x.memory.getUint16(8, true), true)
}

export const loadRegister: X87Run = (x) => {
  if (x.isEmpty(x.index)) {
    if (x.underflow()) x.push(INDEFINITE)
    return
  }
  if (pushBlocked(x)) return
  const i = x.index
  setTop(x.state, top(x.state) - 1)
  copy(x, (i + 1) & 7, 0)
}

function copy(x: X87Step, from: number, to: number): void {
  for (const word of [0, 4, 8]) {
    x.state.setUint32(ST + 16 * to + word, x.state.getUint32(ST + 16 * from + word, true), true)
  }
  setEmpty(x.state, to, false)
}

/** fst ST(i), fstp ST(i). */
export const storeRegister =
  (pops: boolean): X87Run =>
  (x) => {
    if (x.isEmpty(0)) {
      if (!x.underflow()) return
      writeSt(x.state, x.index, INDEFINITE)
    } else copy(x, 0, x.index)
    if (pops) x.pop()
  }

/** A store of `bytes` bytes: `write` raises its flags and puts down the result, which an unmasked exception discards. */
function storing(x: X87Step, bytes: number, pops: boolean, write: (out: DataView) => void): void {
  const out = x.storeBuffer(bytes)
  write(out.view)
  if (!x.mayStore) return
  x.store = out.bytes
  if (pops) x.pop()
}

/** fst and fstp m32fp, m64fp. */
export const store =
  (format: FloatFormat, pops: boolean): X87Run =>
  (x) =>
    storing(x, format === F32 ? 4 : 8, pops, (out) => {
      x.env.wrapExponent = false
      const p = storedFloat(x, format)
      if (format === F32) out.setUint32(0, bitsF32(p), true)
      else out.setBigUint64(0, bitsF64(p), true)
    })

function storedFloat(x: X87Step, format: FloatFormat): Packed {
  if (x.isEmpty(0)) {
    x.underflow()
    return packExact(format, DEFAULT_NAN)
  }
  const p = convertFormat(x.env, format, x.read(0))
  // A store is not an arithmetic operation: it does not signal a denormal source.
  x.env.flags &= ~DE
  return p
}

/** The undocumented D9 D8+i: an empty ST(0) is popped without complaint. */
export const storeQuietly: X87Run = (x) => {
  if (!x.isEmpty(0)) copy(x, 0, x.index)
  x.pop()
}

export const storeExtended: X87Run = (x) =>
  storing(x, 10, true, (out) => {
    if (x.isEmpty(0)) {
      x.underflow()
      writeTenBytes(out, INDEFINITE)
      return
    }
    out.setBigUint64(0, x.state.getBigUint64(ST, true), true)
    out.setUint16(8, x.state.getUint16(ST + 8, true), true)
  })

function writeTenBytes(out: DataView, p: Packed): void {
  out.setBigUint64(0, p.sig, true)
  out.setUint16(8, (p.sign << 15) | p.biased, true)
}

/** fist, fistp and, truncating, fisttp. */
export const storeInteger =
  (bits: 16 | 32 | 64, truncate: boolean, pops: boolean): X87Run =>
  (x) =>
    storing(x, bits / 8, pops, (out) => {
      let n: bigint | undefined
      if (x.isEmpty(0)) x.underflow()
      else n = toInteger(x.env, x.read(0), bits, truncate ? ROUND_ZERO : x.env.rounding)
      const value = n ?? -(1n << BigInt(bits - 1))
      if (bits === 16) out.setInt16(0, Number(value), true)
      else if (bits === 32) out.setInt32(0, Number(value), true)
      else out.setBigInt64(0, value, true)
    })

const MAX_BCD = 999_999_999_999_999_999n

export const storeDecimal: X87Run = (x) =>
  storing(x, 10, true, (out) => {
    const sign = x.state.getUint8(ST + 9) & 0x80
    const n = decimal(x)
    if (n === undefined) {
      out.setBigUint64(0, 0xc000000000000000n, true)
      out.setUint16(8, 0xffff, true)
      return
    }
    // Decimal digits read as hexadecimal are packed BCD.
    const packed = BigInt(`0x${n < 0n ? -n : n}`)
    out.setBigUint64(0, BigInt.asUintN(64, packed), true)
    out.setUint16(8, (sign << 8) | Number(packed >> 64n), true)
  })

function decimal(x: X87Step): bigint | undefined {
  if (x.isEmpty(0)) {
    x.underflow()
    return undefined
  }
  const n = toInteger(x.env, x.read(0), 64, x.env.rounding)
  if (n === undefined || (n <= MAX_BCD && n >= -MAX_BCD)) return n
  x.env.flags &= ~PE
  x.env.roundedUp = false
  x.env.raise(IE)
  return undefined
}

/** A digit above 9 is undefined to Intel; it counts as its value here. */
export const BCD: Source = {
  suffix: 'm80bcd',
  bytes: 10,
  read(memory) {
    let n = 0n
    for (let i = 8; i >= 0; i--) {
      const pair = memory.getUint8(i)
      n = n * 100n + BigInt((pair >> 4) * 10 + (pair & 15))
    }
    return { ...fromExactInteger(n), sign: memory.getUint8(9) >> 7 }
  },
}

export const fxch: X87Run = (x) => {
  const i = x.index
  const emptyTop = x.isEmpty(0)
  const emptyOther = x.isEmpty(i)
  if (emptyTop || emptyOther) {
    if (!x.underflow()) return
    if (emptyTop) writeSt(x.state, 0, INDEFINITE)
    if (emptyOther) writeSt(x.state, i, INDEFINITE)
  }
  exchangeSt(x.state, i)
}

/** @param pops ffreep, an undocumented form */
export const ffree =
  (pops: boolean): X87Run =>
  (x) => {
    setEmpty(x.state, x.index, true)
    if (pops) x.pop()
  }

export const stepStack =
  (distance: number): X87Run =>
  (x) =>
    setTop(x.state, top(x.state) + distance)
