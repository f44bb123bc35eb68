import { Expr, type I32, type I64 } from './expr.ts'
import { i32, i64 } from './ops.ts'

/** Operations of which the low half of the result is made of the low halves of the operands. */
const LOW: ReadonlyMap<number, (a: I32, b: I32) => I32> = new Map([
  [0x7c, i32.add],
  [0x7d, i32.sub],
  [0x7e, i32.mul],
  [0x83, i32.and],
  [0x84, i32.or],
  [0x85, i32.xor],
])
const [SHL, SHR_U] = [0x86, 0x88]
const [EXTEND_S, EXTEND_U, WRAP] = [0xac, 0xad, 0xa7]
const LOAD32: ReadonlySet<number> = new Set([0x34, 0x35])
/** i32 and i64. */
const AND: ReadonlySet<number> = new Set([0x71, 0x83])
const OR_XOR: ReadonlySet<number> = new Set([0x72, 0x73, 0x84, 0x85])
/** Of all types, with eqz: 0 or 1. */
const [FIRST_COMPARISON, LAST_COMPARISON] = [0x45, 0x66]
/** Bits of what is loaded without its sign. */
const LOADED: ReadonlyMap<number, number> = new Map([
  [0x2d, 8],
  [0x31, 8],
  [0x2f, 16],
  [0x33, 16],
  [0x35, 32],
])

/** How many bits of a local may be set, from the lowest on; all that its type has if nothing is known. */
export type WidthOf = (local: Expr) => number

/**
 * The low half of a value, computed in 32 bits as far as that can be seen: x86-64 makes the high half zero for nothing then, and V8 knows.
 */
export function low32(value: Expr, of: WidthOf): I32 {
  const { op, args, shape } = value
  if (shape === 'bin') {
    const [a, b] = args
    const low = LOW.get(op)
    if (low) return low(low32(a, of), low32(b, of))
    const count = shiftBelow32(b)
    if (count !== undefined && op === SHL) return i32.shl(low32(a, of), count)
    if (count !== undefined && op === SHR_U && hasZeroHigh(a, of)) return i32.shr_u(low32(a, of), count)
  }
  if (shape === 'un' && (op === EXTEND_S || op === EXTEND_U)) return args[0] as I32
  if (shape === 'load' && LOAD32.has(op)) return new Expr('i32', 'load', 0x28, args, value.imm)
  return i32.wrap(value as I64)
}

/** How many bits of a value, an i32 or i64, are seen to be enough for it. */
export function widthOf(value: Expr, of: WidthOf): number {
  const { op, args, shape } = value
  const all = value.type === 'i32' ? 32 : 64
  switch (shape) {
    case 'local':
      return Math.min(of(value), all)
    case 'const': {
      const n = BigInt(value.imm)
      return n < 0n ? all : n.toString(2).length
    }
    case 'load':
      return LOADED.get(op) ?? all
    case 'un':
      if (op === EXTEND_U || op === WRAP) return Math.min(widthOf(args[0], of), 32)
      return isComparison(op) ? 1 : all
    case 'bin':
      if (AND.has(op)) return Math.min(widthOf(args[0], of), widthOf(args[1], of))
      if (OR_XOR.has(op)) return Math.max(widthOf(args[0], of), widthOf(args[1], of))
      return isComparison(op) ? 1 : all
    default:
      return all
  }
}

const isComparison = (op: number): boolean => op >= FIRST_COMPARISON && op <= LAST_COMPARISON

/** Whether the high half of a value is seen to be zero. */
function hasZeroHigh(value: Expr, of: WidthOf): boolean {
  return widthOf(value, of) <= 32
}

function shiftBelow32(count: Expr): I32 | undefined {
  if (count.shape !== 'const') return undefined
  const n = Number(count.imm)
  return n >= 0 && n < 32 ? i32.const(n) : undefined
}

/** A value with its high half zero. */
export function zeroHigh(value: I64, of: WidthOf): I64 {
  return hasZeroHigh(value, of) ? value : i64.extend_i32_u(low32(value, of))
}
