/**
 * Rotates (Intel SDM vol. 2: RCL/RCR/ROL/ROR). Only CF and OF change, and nothing at all for a masked count of zero. CF follows
 * from the count before it is reduced modulo the width (8- and 16-bit rotates by 8, 16 or 24 still set it).
 */

import type { Builder } from '../builder/builder.ts'
import { CF, OF, topBit } from '../builder/flag-bits.ts'
import type { Decoded } from '../decode/decoded.ts'
import type { I64 } from '../wasm/expr.ts'
import { i32, i64, select } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import { countOf, countVariant } from './shift-count.ts'

interface Rotated {
  readonly r: I64
  readonly cf: I64
  readonly of: I64
}
type Rotate = (b: Builder, x: I64, count: I64, carry: () => I64) => Rotated

const ONE = i64.const(1)
const bit0 = (x: I64): I64 => i64.and(x, ONE)
const second = (r: I64, size: number): I64 => bit0(i64.shr_u(r, i64.const(8 * size - 2)))

function rotated(b: Builder, x: I64, count: I64, left: boolean): I64 {
  const n = 8 * b.size
  if (n === 64) return b.let((left ? i64.rotl : i64.rotr)(x, count))
  if (n === 32) return b.let(i64.extend_i32_u((left ? i32.rotl : i32.rotr)(i32.wrap(x), i32.wrap(count))))
  const by = b.let(i64.and(count, i64.const(n - 1)))
  const back = i64.sub(i64.const(n), by)
  const [up, down] = left ? [by, back] : [back, by]
  return b.let(b.trunc(i64.or(i64.shl(x, up), i64.shr_u(x, down))))
}

const rol: Rotate = (b, x, count) => {
  const r = rotated(b, x, count, true)
  const cf = bit0(r)
  return { r, cf, of: i64.xor(topBit(r, b.size), cf) }
}

const ror: Rotate = (b, x, count) => {
  const r = rotated(b, x, count, false)
  const cf = topBit(r, b.size)
  return { r, cf, of: i64.xor(cf, second(r, b.size)) }
}

/** The count modulo the width with CF: 9 and 17 bits; 33 and 65 are never reached. */
function withCarry(b: Builder, count: I64): I64 {
  return b.size < 4 ? b.let(i64.rem_u(count, i64.const(8 * b.size + 1))) : count
}

const rcl: Rotate = (b, x, count, carry) => {
  const n = 8 * b.size
  const c = b.let(carry())
  if (n === 64) {
    const rest = b.let(i64.sub(i64.const(64), count))
    const low = i64.or(i64.shl(c, i64.sub(count, ONE)), i64.shr_u(i64.shr_u(x, ONE), rest))
    const turned = i64.or(i64.shl(x, count), low)
    const r = b.let(select(i64.eqz(count), x, turned))
    const cf = bit0(i64.shr_u(x, rest))
    return { r, cf, of: i64.xor(topBit(r, 8), cf) }
  }
  const by = withCarry(b, count)
  const whole = b.let(i64.or(x, i64.shl(c, i64.const(n))))
  const turned = b.let(i64.or(i64.shl(whole, by), i64.shr_u(whole, i64.sub(i64.const(n + 1), by))))
  const r = b.let(b.trunc(turned))
  const cf = bit0(i64.shr_u(turned, i64.const(n)))
  return { r, cf, of: i64.xor(topBit(r, b.size), cf) }
}

const rcr: Rotate = (b, x, count, carry) => {
  const n = 8 * b.size
  const c = b.let(carry())
  if (n === 64) {
    const rest = b.let(i64.sub(i64.const(64), count))
    const high = i64.or(i64.shl(c, rest), i64.shl(i64.shl(x, ONE), rest))
    const turned = i64.or(i64.shr_u(x, count), high)
    const r = b.let(select(i64.eqz(count), x, turned))
    const cf = bit0(i64.shr_u(x, i64.sub(count, ONE)))
    return { r, cf, of: i64.xor(topBit(r, 8), second(r, 8)) }
  }
  const by = withCarry(b, count)
  const whole = b.let(i64.or(x, i64.shl(c, i64.const(n))))
  const turned = b.let(i64.or(i64.shr_u(whole, by), i64.shl(whole, i64.sub(i64.const(n + 1), by))))
  const r = b.let(b.trunc(turned))
  const cf = bit0(i64.shr_u(turned, i64.const(n)))
  return { r, cf, of: i64.xor(topBit(r, b.size), second(r, b.size)) }
}

function rotate(operation: Rotate): Definition {
  return (b) => {
    const destination = b.open(b.op(0), 'rw')
    const count = countOf(b, b.op(1))
    const x = b.let(b.get(destination))
    if (count.isZero) {
      b.put(destination, x)
      return
    }
    const { r, cf, of } = operation(b, x, count.value, () => b.carry())
    const rflags = i64.or(cf, i64.shl(of, i64.const(11)))
    b.flags({ kind: 'some', mask: CF | OF, rflags }, b.size, count.when)
    b.put(destination, r)
  }
}

function rotateRows(name: string, ext: number, operation: Rotate, usesCarry: boolean): Row[] {
  const row = { name, map: 0, ext, writes: 'oc', undefines: 'o', def: rotate(operation) } as const
  const carry = usesCarry ? { reads: 'c' } : {}
  const immediate = { ...row, ...carry, variant: (insn: Decoded) => countVariant(insn, 1) }
  return [
    { ...immediate, code: 0xc0, operands: 'Eb Iub' },
    { ...immediate, code: 0xc1, operands: 'Ev Iub' },
    { ...row, ...carry, code: 0xd0, operands: 'Eb 1', undefines: '' },
    { ...row, ...carry, code: 0xd1, operands: 'Ev 1', undefines: '' },
    { ...row, ...carry, code: 0xd2, operands: 'Eb CL', mayKeep: true },
    { ...row, ...carry, code: 0xd3, operands: 'Ev CL', mayKeep: true },
  ]
}

export const rows: readonly Row[] = [
  ...rotateRows('rol', 0, rol, false),
  ...rotateRows('ror', 1, ror, false),
  ...rotateRows('rcl', 2, rcl, true),
  ...rotateRows('rcr', 3, rcr, true),
]
