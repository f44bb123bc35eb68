/** Multiplication and division (Intel SDM vol. 2: MUL, IMUL, DIV, IDIV). */
import type { Builder } from '../builder/builder.ts'
import { multiplyHighSigned, multiplyHighUnsigned } from '../builder/wide-product.ts'
import type { Operand } from '../decode/decoded.ts'
import type { I64 } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'
import { readSource } from './operand.ts'
import { RAX, RDX } from './register-numbers.ts'
import type { Row } from './row.ts'
import { divideUnsigned } from './wide.ts'

/** Exception #DE. */
const DIVIDE_ERROR = 0

function putDouble(b: Builder, low: I64, high: I64): void {
  b.put(b.gpr(RAX, b.size), low)
  b.put(b.gpr(RDX, b.size), high)
}

function mul(b: Builder): void {
  const source = b.open(b.op(0), 'r')
  const x = b.let(b.get(b.gpr(RAX, b.size)))
  const y = b.let(b.get(source))
  const low = b.let(i64.mul(x, y))
  const high = b.let(b.size === 8 ? multiplyHighUnsigned((v) => b.let(v), x, y) : i64.shr_u(low, i64.const(8 * b.size)))
  b.flags({ kind: 'mul', high })
  putProduct(b, low, high)
}

/** The halves of a product; below 64 bits the lower one may hold both. */
function putProduct(b: Builder, low: I64, high: I64): void {
  if (b.size === 1) b.put(b.gpr(RAX, 2), low)
  else putDouble(b, low, high)
}

function imulDouble(b: Builder): void {
  const source = b.open(b.op(0), 'r')
  const x = b.let(b.getSigned(b.gpr(RAX, b.size)))
  const y = b.let(b.getSigned(source))
  const low = b.let(i64.mul(x, y))
  const high = b.size === 8 ? multiplyHighSigned((v) => b.let(v), x, y) : b.let(i64.shr_u(low, i64.const(8 * b.size)))
  b.flags({ kind: 'imul', x, y })
  putProduct(b, low, high)
}

/** Two- and three-operand forms: the lower half of op(first) * op(second). */
const imul =
  (first: number, second: number) =>
  (b: Builder): void => {
    const destination = b.open(b.op(0), first === 0 ? 'rw' : 'w')
    const x = signedSource(b, b.op(first))
    const y = signedSource(b, b.op(second))
    b.flags({ kind: 'imul', x, y })
    b.put(destination, i64.mul(x, y))
  }

const signedSource = (b: Builder, operand: Operand): I64 => b.let(b.signed(readSource(b, operand)))

/** The dividend of up to 64 bits: ax, dx:ax or edx:eax. */
function dividend(b: Builder): I64 {
  if (b.size === 1) return b.let(b.get(b.gpr(RAX, 2)))
  const high = i64.shl(b.get(b.gpr(RDX, b.size)), i64.const(8 * b.size))
  return b.let(i64.or(high, b.get(b.gpr(RAX, b.size))))
}

/** No flag is defined. Silicon (Zen 4) sets AF, clears SF, ZF and PF and keeps CF and OF: those would have to be found out. */
function putQuotient(b: Builder, quotient: I64, remainder: I64): void {
  const [zero, one] = [i64.const(0), i64.const(1)]
  b.flags({ kind: 'result', r: one, cf: zero, of: zero, af: one })
  if (b.size === 1) {
    const low = i64.and(quotient, i64.const(0xff))
    b.put(b.gpr(RAX, 2), i64.or(i64.shl(remainder, i64.const(8)), low))
  } else putDouble(b, quotient, remainder)
}

function div(b: Builder): void {
  const source = b.open(b.op(0), 'r')
  const divisor = b.let(b.get(source))
  if (b.size === 8) divWide(b, divisor)
  else divNarrow(b, divisor)
}

function divWide(b: Builder, divisor: I64): void {
  const high = b.let(b.get(b.gpr(RDX, 8)))
  const low = b.let(b.get(b.gpr(RAX, 8)))
  b.fault(i64.ge_u(high, divisor), DIVIDE_ERROR)
  const { quotient, remainder } = divideUnsigned(b, high, low, divisor)
  putQuotient(b, quotient, remainder)
}

function divNarrow(b: Builder, divisor: I64): void {
  const value = dividend(b)
  b.fault(i64.ge_u(i64.shr_u(value, i64.const(8 * b.size)), divisor), DIVIDE_ERROR)
  const quotient = b.let(i64.div_u(value, divisor))
  putQuotient(b, quotient, b.let(i64.sub(value, i64.mul(quotient, divisor))))
}

function idiv(b: Builder): void {
  const source = b.open(b.op(0), 'r')
  const divisor = b.let(b.getSigned(source))
  if (b.size === 8) idivWide(b, divisor)
  else idivNarrow(b, divisor)
}

function idivNarrow(b: Builder, divisor: I64): void {
  const narrow = dividend(b)
  const value = b.size === 4 ? narrow : b.let(b.signed(narrow, 2 * b.size))
  // WebAssembly traps where the quotient has no 64 bits; such a quotient has no 32 bits either.
  const overflow = i32.and(i64.eq(value, i64.const(-(1n << 63n))), i64.eq(divisor, i64.const(-1)))
  b.fault(i32.or(i64.eqz(divisor), overflow), DIVIDE_ERROR)
  const quotient = b.let(i64.div_s(value, divisor))
  b.fault(i64.ne(quotient, b.signed(quotient)), DIVIDE_ERROR)
  putQuotient(b, quotient, b.let(i64.sub(value, i64.mul(quotient, divisor))))
}

/** rdx:rax / divisor by way of magnitudes; the remainder has the sign of the dividend. */
function idivWide(b: Builder, divisor: I64): void {
  const low = b.let(b.get(b.gpr(RAX, 8)))
  const high = b.let(b.get(b.gpr(RDX, 8)))
  const sign = b.let(i64.shr_s(high, i64.const(63)))
  const divisorSign = b.let(i64.shr_s(divisor, i64.const(63)))
  const size = b.let(negateIf(divisor, divisorSign))
  const sizeLow = b.let(negateIf(low, sign))
  // -(high:low): the upper half takes the carry of the lower only when that is zero.
  const borrow = i64.extend_i32_u(i32.and(i64.ne(low, i64.const(0)), i32.wrap(sign)))
  const sizeHigh = b.let(i64.sub(negateIf(high, sign), borrow))
  b.fault(i64.ge_u(sizeHigh, size), DIVIDE_ERROR)
  const { quotient, remainder } = divideUnsigned(b, sizeHigh, sizeLow, size)
  const quotientSign = b.let(i64.xor(sign, divisorSign))
  const limit = i64.sub(i64.const((1n << 63n) - 1n), quotientSign)
  b.fault(i64.gt_u(quotient, limit), DIVIDE_ERROR)
  putQuotient(b, b.let(negateIf(quotient, quotientSign)), b.let(negateIf(remainder, sign)))
}

/** `sign` is 0 or -1. */
const negateIf = (x: I64, sign: I64): I64 => i64.sub(i64.xor(x, sign), sign)

const product = { map: 0, writes: 'oc', undefines: 'szap' } as const
const quotient = { map: 0, undefines: 'oszapc' } as const

export const rows: readonly Row[] = [
  { ...product, name: 'mul', code: 0xf6, ext: 4, operands: 'Eb', def: mul },
  { ...product, name: 'mul', code: 0xf7, ext: 4, operands: 'Ev', def: mul },
  { ...product, name: 'imul', code: 0xf6, ext: 5, operands: 'Eb', def: imulDouble },
  { ...product, name: 'imul', code: 0xf7, ext: 5, operands: 'Ev', def: imulDouble },
  { ...product, name: 'imul', map: 1, code: 0xaf, operands: 'Gv Ev', def: imul(0, 1) },
  { ...product, name: 'imul', code: 0x69, operands: 'Gv Ev Iz', def: imul(1, 2) },
  { ...product, name: 'imul', code: 0x6b, operands: 'Gv Ev Ib', def: imul(1, 2) },
  { ...quotient, name: 'div', code: 0xf6, ext: 6, operands: 'Eb', def: div },
  { ...quotient, name: 'div', code: 0xf7, ext: 6, operands: 'Ev', def: div },
  { ...quotient, name: 'idiv', code: 0xf6, ext: 7, operands: 'Eb', def: idiv },
  { ...quotient, name: 'idiv', code: 0xf7, ext: 7, operands: 'Ev', def: idiv },
]
