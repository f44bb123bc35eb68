/**
 * Evaluates expressions by the text of the WebAssembly specification (4.3, numerics), from their opcodes: a wrong opcode in
 * `wasm/ops.ts` gives a wrong value here. All values are unsigned bigints of their type's width; variables are cells.
 */
import type { Expr } from '../../src/wasm/expr.ts'

export type Cells = ReadonlyMap<number, { value: bigint }>

type Binary = (x: bigint, y: bigint, width: number) => bigint

const signed = (x: bigint, width: number) => BigInt.asIntN(width, x)
const truth = (x: boolean) => (x ? 1n : 0n)
const leading = (x: bigint, width: number) => (x === 0n ? width : width - x.toString(2).length)
const trailing = (x: bigint, width: number) => (x === 0n ? width : (x & -x).toString(2).length - 1)
const ones = (x: bigint) => [...x.toString(2)].filter((digit) => digit === '1').length

/** From opcode 0x46 (i32) and 0x51 (i64). */
const COMPARISONS: readonly Binary[] = [
  (x, y) => truth(x === y),
  (x, y) => truth(x !== y),
  (x, y, w) => truth(signed(x, w) < signed(y, w)),
  (x, y) => truth(x < y),
  (x, y, w) => truth(signed(x, w) > signed(y, w)),
  (x, y) => truth(x > y),
  (x, y, w) => truth(signed(x, w) <= signed(y, w)),
  (x, y) => truth(x <= y),
  (x, y, w) => truth(signed(x, w) >= signed(y, w)),
  (x, y) => truth(x >= y),
]
/** From opcode 0x67 and 0x79. */
const COUNTS: readonly ((x: bigint, width: number) => number)[] = [leading, trailing, ones]
/** From opcode 0x6a and 0x7c. */
const ARITHMETIC: readonly Binary[] = [
  (x, y) => x + y,
  (x, y) => x - y,
  (x, y) => x * y,
  (x, y, w) => quotient(signed(x, w), signed(y, w), w),
  (x, y) => x / y,
  (x, y, w) => signed(x, w) % signed(y, w),
  (x, y) => x % y,
  (x, y) => x & y,
  (x, y) => x | y,
  (x, y) => x ^ y,
  (x, y, w) => x << (y % BigInt(w)),
  (x, y, w) => signed(x, w) >> (y % BigInt(w)),
  (x, y, w) => x >> (y % BigInt(w)),
  (x, y, w) => (x << (y % BigInt(w))) | (x >> (BigInt(w) - (y % BigInt(w)))),
  (x, y, w) => (x >> (y % BigInt(w))) | (x << (BigInt(w) - (y % BigInt(w)))),
]

function quotient(x: bigint, y: bigint, width: number): bigint {
  if (y === -1n && x === -(1n << BigInt(width - 1))) throw new RangeError('WebAssembly traps: integer overflow')
  return x / y
}

export function evaluate(e: Expr, cells: Cells): bigint {
  const width = e.type === 'i64' ? 64 : e.type === 'v128' ? 128 : 32
  switch (e.shape) {
    case 'const':
      return BigInt.asUintN(width, BigInt(e.imm))
    case 'local':
      return cells.get(e.op)!.value
    case 'select':
      return evaluate(e.args[2], cells) !== 0n ? evaluate(e.args[0], cells) : evaluate(e.args[1], cells)
    default: {
      const args = e.args.map((a) => evaluate(a, cells))
      return BigInt.asUintN(width, e.op > 0xffff ? vector(e, args) : numeric(e.op, args))
    }
  }
}

function numeric(op: number, [x, y]: readonly bigint[]): bigint {
  const at = (first32: number, first64: number, count: number) => {
    if (op >= first32 && op < first32 + count) return { n: op - first32, w: 32 }
    return op >= first64 && op < first64 + count ? { n: op - first64, w: 64 } : undefined
  }
  const compare = at(0x46, 0x51, 10)
  if (compare) return COMPARISONS[compare.n](x, y, compare.w)
  const count = at(0x67, 0x79, 3)
  if (count) return BigInt(COUNTS[count.n](x, count.w))
  const arithmetic = at(0x6a, 0x7c, 15)
  if (arithmetic) return ARITHMETIC[arithmetic.n](x, y, arithmetic.w)
  switch (op) {
    case 0x45:
    case 0x50:
      return truth(x === 0n)
    case 0xa7:
    case 0xad:
      return x
    case 0xac:
    case 0xc4:
      return signed(x, 32)
    case 0xc0:
    case 0xc2:
      return signed(x, 8)
    case 0xc1:
    case 0xc3:
      return signed(x, 16)
    default:
      throw new TypeError(`no meaning for opcode ${op.toString(16)}`)
  }
}

/** i64x2 lanes, all that the integer families use. */
function vector(e: Expr, [v, x]: readonly bigint[]): bigint {
  const shift = 64n * BigInt(e.imm)
  switch (e.op) {
    case 0xfd0012:
      return v | (v << 64n)
    case 0xfd001d:
      return BigInt.asUintN(64, v >> shift)
    case 0xfd001e:
      return (v & ~(0xffffffffffffffffn << shift)) | (x << shift)
    default:
      throw new TypeError(`no meaning for opcode ${e.op.toString(16)}`)
  }
}
