/** AES-NI (Intel SDM vol. 2: AESENC, AESENCLAST, AESDEC, AESDECLAST, AESIMC, AESKEYGENASSIST), the steps as FIPS 197 names them. */
import type { Builder } from '../builder/builder.ts'
import type { V128 } from '../wasm/expr.ts'
import { i8x16, i32, i32x4, v128 } from '../wasm/ops.ts'
import { A_OVER, INVERSE_SUB_BYTES, RECIPROCAL, SUB_BYTES, type Substitution } from './aes-field.ts'
import type { Row } from './row.ts'
import { packed, type VectorOperation } from './sse-int.ts'
import { immediate, lanes } from './sse-operands.ts'

const LOW_NIBBLES = lanes(8, 0x0f)

/** All bytes at once, by nibbles; see aes-field.ts for the formula. */
function substitute(b: Builder, v: V128, s: Substitution): V128 {
  const x = b.let(v)
  const low = v128.and(x, LOW_NIBBLES)
  const high = i8x16.shr_u(x, i32.const(4))
  const look = (table: Uint8Array, index: V128): V128 => i8x16.swizzle(v128.const(table), index)
  const inTower = b.let(v128.xor(look(s.fromLow, low), look(s.fromHigh, high)))
  const k = b.let(v128.and(inTower, LOW_NIBBLES))
  const i = b.let(i8x16.shr_u(inTower, i32.const(4)))
  const j = b.let(v128.xor(i, k))
  const aOverK = b.let(look(A_OVER, k))
  const io = v128.xor(look(RECIPROCAL, v128.xor(look(RECIPROCAL, i), aOverK)), j)
  const jo = v128.xor(look(RECIPROCAL, v128.xor(look(RECIPROCAL, j), aOverK)), i)
  const result = v128.xor(look(s.toFirst, io), look(s.toSecond, jo))
  return s.constant === 0 ? result : v128.xor(result, lanes(8, s.constant))
}

const sixteen = (from: (n: number) => number): readonly number[] => Array.from({ length: 16 }, (_, n) => from(n))
/** Column c, row r is byte 4 c + r; row r goes left by r. */
const SHIFT_ROWS = sixteen((n) => (n + 4 * (n & 3)) & 15)
const INVERSE_SHIFT_ROWS = sixteen((n) => (n - 4 * (n & 3)) & 15)
/** Each column up by one, two, three. */
const ROTATE_COLUMNS = [1, 2, 3].map((by) => sixteen((n) => (n & 12) | ((n + by) & 3)))

const moved = (v: V128, from: readonly number[]): V128 => v128.shuffle(v, v, from)

/** Each byte times x in AES's field. */
function doubled(v: V128): V128 {
  const carry = i8x16.lt_s(v, lanes(8, 0))
  return v128.xor(i8x16.add(v, v), v128.and(carry, lanes(8, 0x1b)))
}

/** 2 3 1 1 of each column. */
function mixColumns(b: Builder, v: V128): V128 {
  const x = b.let(v)
  const twice = b.let(doubled(x))
  const [one, two, three] = ROTATE_COLUMNS
  const threeOfNext = moved(b.let(v128.xor(x, twice)), one)
  return v128.xor(v128.xor(twice, threeOfNext), v128.xor(moved(x, two), moved(x, three)))
}

/** 14 11 13 9 of each column is 2 3 1 1 of 5 0 4 0. */
function inverseMixColumns(b: Builder, v: V128): V128 {
  const x = b.let(v)
  const pairs = b.let(v128.xor(x, moved(x, ROTATE_COLUMNS[1])))
  return mixColumns(b, v128.xor(x, doubled(b.let(doubled(pairs)))))
}

const encryptLast: VectorOperation = (x, key, b) => v128.xor(substitute(b, moved(x, SHIFT_ROWS), SUB_BYTES), key)
const encrypt: VectorOperation = (x, key, b) =>
  v128.xor(mixColumns(b, substitute(b, moved(x, SHIFT_ROWS), SUB_BYTES)), key)
const decryptLast: VectorOperation = (x, key, b) =>
  v128.xor(substitute(b, moved(x, INVERSE_SHIFT_ROWS), INVERSE_SUB_BYTES), key)
const decrypt: VectorOperation = (x, key, b) =>
  v128.xor(inverseMixColumns(b, substitute(b, moved(x, INVERSE_SHIFT_ROWS), INVERSE_SUB_BYTES)), key)

/** Of words 1 and 3: the substituted word, and that rotated and changed by the round constant. */
function assistKeys(b: Builder): void {
  const source = b.openAligned(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  const constant = i32x4.splat(i32.and(i32.wrap(immediate(b, b.op(2))), i32.const(0xff)))
  const oddWords = v128.const(Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 255, 255, 255, 255))
  const words = b.let(substitute(b, b.get128(source), SUB_BYTES))
  const chosen = moved(words, [4, 5, 6, 7, 5, 6, 7, 4, 12, 13, 14, 15, 13, 14, 15, 12])
  b.put128(target, v128.xor(chosen, v128.and(constant, oddWords)))
}

const AES = { map: 2, prefix: '66', feature: 'aes', operands: 'Vx Wx' } as const

export const rows: readonly Row[] = [
  { ...AES, name: 'aesimc', code: 0xdb, def: packed((_, y, b) => inverseMixColumns(b, y)) },
  { ...AES, name: 'aesenc', code: 0xdc, def: packed(encrypt) },
  { ...AES, name: 'aesenclast', code: 0xdd, def: packed(encryptLast) },
  { ...AES, name: 'aesdec', code: 0xde, def: packed(decrypt) },
  { ...AES, name: 'aesdeclast', code: 0xdf, def: packed(decryptLast) },
  { ...AES, name: 'aeskeygenassist', map: 3, code: 0xdf, operands: 'Vx Wx Iub', def: assistKeys },
]
