/** Instructions of compatibility mode only: decimal adjustment, bound, arpl (Intel SDM vol. 2: DAA, DAS, AAA, AAS, AAM, AAD, BOUND, ARPL). */
import type { Builder } from '../builder/builder.ts'
import { AF, CF, overflowOf, ZF } from '../builder/flag-bits.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i32, i64, select } from '../wasm/ops.ts'
import { readSource } from './operand.ts'
import { RAX } from './register-numbers.ts'
import type { Definition, Row } from './row.ts'

const DIVIDE_ERROR = 0
const BOUND_RANGE = 5

const flag = (b: Builder, mask: number): I32 => i64.ne(i64.and(b.arithmeticFlags(), i64.const(mask)), i64.const(0))
const widen = (truth: I32): I64 => i64.extend_i32_u(truth)
const when = (truth: I32, value: number): I64 => select(truth, i64.const(value), i64.const(0))
const byte = (x: I64): I64 => i64.and(x, i64.const(0xff))
const overflow = (subtract: boolean, x: I64, y: I64, r: I64, size: number): I64 =>
  overflowOf({ kind: subtract ? 'sub' : 'add', x, y, r }, size, () => r)
const digitOver9 = (x: I64): I32 => i64.gt_u(i64.and(x, i64.const(15)), i64.const(9))

/** daa and das. CF also comes from the correction of the low digit when it leaves the byte; OF is that of the correction. */
function adjustPacked(subtract: boolean): Definition {
  const correct = subtract ? i64.sub : i64.add
  return (b) => {
    const al = b.gpr(RAX, 1)
    const x = b.let(b.get(al))
    const carry = b.let(flag(b, CF))
    const low = b.let(i32.or(digitOver9(x), flag(b, AF)))
    const high = b.let(i32.or(i64.gt_u(x, i64.const(0x99)), carry))
    const y = b.let(i64.add(when(low, 6), when(high, 0x60)))
    const r = b.let(byte(correct(x, y)))
    const borrowed = subtract ? i32.and(low, i64.lt_u(x, i64.const(6))) : i32.const(0)
    const cf = widen(i32.or(high, borrowed))
    b.flags({ kind: 'result', r, cf, of: overflow(subtract, x, y, r, 1), af: widen(low) }, 1)
    b.put(al, r)
  }
}

/** aaa and aas: a correction of 6 to ax and of 1 to ah. Silicon: OF, SF, ZF and PF are those of ax before the high digit is cut. */
function adjustUnpacked(subtract: boolean): Definition {
  const correct = subtract ? i64.sub : i64.add
  return (b) => {
    const ax = b.gpr(RAX, 2)
    const x = b.let(b.get(ax))
    const adjust = b.let(i32.or(digitOver9(x), flag(b, AF)))
    const y = b.let(when(adjust, 0x106))
    const r = b.let(i64.and(correct(x, y), i64.const(0xffff)))
    const of = overflow(subtract, x, y, r, 2)
    b.flags({ kind: 'result', r, cf: widen(adjust), of, af: widen(adjust) }, 2)
    b.put(ax, i64.and(r, i64.const(0xff0f)))
  }
}

function aam(b: Builder): void {
  const base = b.let(byte(readSource(b, b.op(0))))
  b.fault(i64.eqz(base), DIVIDE_ERROR)
  const x = b.let(b.get(b.gpr(RAX, 1)))
  const quotient = b.let(i64.div_u(x, base))
  const r = b.let(i64.sub(x, i64.mul(quotient, base)))
  b.flags({ kind: 'result', r, cf: i64.const(0), of: i64.const(0), af: i64.const(0) }, 1)
  b.put(b.gpr(RAX, 2), i64.or(r, i64.shl(quotient, i64.const(8))))
}

/** Silicon leaves the flags of the addition. */
function aad(b: Builder): void {
  const base = b.let(byte(readSource(b, b.op(0))))
  const ax = b.gpr(RAX, 2)
  const x = b.let(b.get(ax))
  const low = b.let(byte(x))
  const added = b.let(byte(i64.mul(i64.shr_u(x, i64.const(8)), base)))
  const r = b.let(byte(i64.add(low, added)))
  b.flags({ kind: 'add', x: low, y: added, r }, 1)
  b.put(ax, r)
}

/** al = CF ? ff : 00 (opcode D6, which the manuals name only in passing). */
function salc(b: Builder): void {
  b.put(b.gpr(RAX, 1), i64.sub(i64.const(0), b.carry()))
}

/** #BR unless lower <= index <= upper, signed; the bounds lie side by side. */
function bound(b: Builder): void {
  const index = b.let(b.signed(readSource(b, b.op(0))))
  const limits = b.let(b.get(b.open(b.op(1), 'r', 2 * b.size)))
  const lower = b.signed(limits)
  const upper = b.signed(i64.shr_u(limits, i64.const(8 * b.size)))
  b.fault(i32.or(i64.lt_s(index, lower), i64.gt_s(index, upper)), BOUND_RANGE)
}

/** The requested privilege level of the destination is raised to that of the source; ZF says whether it was. Else nothing is written. */
function arpl(b: Builder): void {
  const x = b.let(b.get(b.open(b.op(0), 'r')))
  const level = b.let(i64.and(b.get(b.open(b.op(1), 'r')), i64.const(3)))
  const raise = b.let(i64.lt_u(i64.and(x, i64.const(3)), level))
  b.if(raise, () => b.put(b.open(b.op(0), 'w'), i64.or(i64.and(x, i64.const(0xfffc)), level)))
  b.flags({ kind: 'some', mask: ZF, rflags: when(raise, ZF) })
}

const old = { map: 0, mode: 32 } as const
const packed = { ...old, operands: '', reads: 'ac', writes: 'szapc', undefines: 'o' } as const
const unpacked = { ...old, operands: '', reads: 'a', writes: 'ac', undefines: 'oszp' } as const
const byTen = { ...old, operands: 'Iub', writes: 'szp', undefines: 'oac' } as const

export const rows: readonly Row[] = [
  { ...packed, name: 'daa', code: 0x27, def: adjustPacked(false) },
  { ...packed, name: 'das', code: 0x2f, def: adjustPacked(true) },
  { ...unpacked, name: 'aaa', code: 0x37, def: adjustUnpacked(false) },
  { ...unpacked, name: 'aas', code: 0x3f, def: adjustUnpacked(true) },
  { ...byTen, name: 'aam', code: 0xd4, def: aam },
  { ...byTen, name: 'aad', code: 0xd5, def: aad },
  { ...old, name: 'salc', code: 0xd6, operands: '', reads: 'c', def: salc },
  { ...old, name: 'bound', code: 0x62, operands: 'Gv Mn', mod: 'mem', def: bound },
  { ...old, name: 'arpl', code: 0x63, operands: 'Ew Gw', writes: 'z', def: arpl },
]
